import sqlite3
import sys
from contextlib import closing
from pathlib import Path

path = Path(sys.argv[1]) / "state.db"
with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'messages_fts_trigram_data'"
    ).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
data = bytearray(path.read_bytes())
start = (root - 1) * size
cell = start + int.from_bytes(data[start + 12 : start + 14], "big")
child = int.from_bytes(data[cell : cell + 4], "big")
data[(child - 1) * size : child * size] = b"Not a page. " * (size // 12) + bytes(size % 12)
path.write_bytes(data)
