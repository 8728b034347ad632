"""Empty an index by its page, as a write that never came leaves it: ``HOME INDEX``, outside."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

path, index = Path(sys.argv[1]) / "state.db", sys.argv[2]
with closing(sqlite3.connect(path)) as db:
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    (root,) = db.execute(
        "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND name = ?", [index]
    ).fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
data = bytearray(path.read_bytes())
start = (root - 1) * size
# A leaf without cells, whose content would begin at the end of the page.
data[start : start + 8] = b"\x0a\x00\x00\x00\x00" + size.to_bytes(2, "big") + b"\x00"
path.write_bytes(data)
