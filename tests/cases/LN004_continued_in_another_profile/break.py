import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

home = Path(sys.argv[1])
other = home / "profiles" / "work"
other.mkdir(parents=True)
for name in ("state.db", "state.db-wal"):
    if (home / name).exists():
        shutil.copy(home / name, other / name)
with closing(sqlite3.connect(other / "state.db")) as db:
    db.execute("DELETE FROM messages WHERE session_id = 'bread'")
    db.execute("DELETE FROM sessions WHERE id = 'bread'")
    db.execute("UPDATE messages SET session_id = 'choir2'")
    db.execute(
        "UPDATE sessions SET id = 'choir2', parent_session_id = 'choir',"
        " started_at = ended_at, ended_at = NULL, end_reason = NULL"
    )
    db.commit()
    db.execute("PRAGMA journal_mode=DELETE")
