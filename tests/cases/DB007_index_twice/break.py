import sqlite3
import sys
from contextlib import closing
from pathlib import Path

NAMES = ("idx_messages_session", "messages_fts")

with closing(sqlite3.connect(Path(sys.argv[1]) / "state.db")) as db:
    db.execute("PRAGMA writable_schema = ON")
    for name in NAMES:
        db.execute("INSERT INTO sqlite_master SELECT * FROM sqlite_master WHERE name = ?", (name,))
    db.commit()
