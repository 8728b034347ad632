import sqlite3
import sys
from pathlib import Path

home = Path(sys.argv[1])
(home / ".stfolder").mkdir()
db = sqlite3.connect(home / "state.db")
assert db.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
db.close()
