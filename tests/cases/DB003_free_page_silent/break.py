import sys
from pathlib import Path

path = Path(sys.argv[1]) / "state.db"
data = bytearray(path.read_bytes())
size = int.from_bytes(data[16:18], "big")
# The header names the first page of the free list, and that its first leaf after two numbers.
trunk = (int.from_bytes(data[32:36], "big") - 1) * size
leaf = (int.from_bytes(data[trunk + 8 : trunk + 12], "big") - 1) * size
data[leaf : leaf + size] = b"Not a page. " * (size // 12) + bytes(size % 12)
path.write_bytes(data)
