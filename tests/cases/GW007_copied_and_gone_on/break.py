import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

home = Path(sys.argv[1])
other = home / "profiles" / "work"
other.mkdir(parents=True)
shutil.copy(home / "state.db", other / "state.db")
with closing(sqlite3.connect(other / "state.db")) as db:
    db.execute(
        "INSERT INTO messages (session_id, role, content, timestamp)"
        " VALUES ('chat', 'user', 'And now?', 1790000000.0)"
    )
    db.commit()
