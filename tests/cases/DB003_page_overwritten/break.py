import sqlite3
import sys
from contextlib import closing
from pathlib import Path

path = Path(sys.argv[1]) / "state.db"
with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
    ).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
data = bytearray(path.read_bytes())
# The root of a table with an inner level holds a child's number in the first four bytes of each
# cell; the cells are where the array behind its 12 byte header says.
start = (root - 1) * size
cell = start + int.from_bytes(data[start + 12 : start + 14], "big")
child = int.from_bytes(data[cell : cell + 4], "big")
data[(child - 1) * size : child * size] = b"Not a page. " * (size // 12) + bytes(size % 12)
path.write_bytes(data)
