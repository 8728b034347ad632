import sqlite3
import sys
from contextlib import closing
from pathlib import Path

home, name = Path(sys.argv[1]), sys.argv[2]
with closing(sqlite3.connect(home / "state.db")) as db:
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
start = (root - 1) * size
home.with_name("page").write_bytes((home / "state.db").read_bytes()[start : start + size])
home.with_name("place").write_text(str(start))
