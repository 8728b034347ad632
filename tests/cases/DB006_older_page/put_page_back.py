import sqlite3
import sys
from contextlib import closing
from pathlib import Path

home = Path(sys.argv[1])
with closing(sqlite3.connect(home / "state.db")) as db:
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
start, page = int(home.with_name("place").read_text()), home.with_name("page").read_bytes()
data = bytearray((home / "state.db").read_bytes())
data[start : start + len(page)] = page
(home / "state.db").write_bytes(data)
