import sys
from pathlib import Path

path = Path(sys.argv[1]) / "kanban.db"
data = bytearray(path.read_bytes())
size = int.from_bytes(data[16:18], "big")
for at in range(4 * size, len(data), 5 * size):
    data[at : at + size] = b"Not a page. " * (size // 12) + bytes(size % 12)
path.write_bytes(data)
