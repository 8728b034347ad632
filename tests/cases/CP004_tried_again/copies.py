"""Each start of Hermes tried to repair state.db, and copied it first: the same bytes every time."""

import shutil
import sys
from pathlib import Path

home, number = Path(sys.argv[1]), int(sys.argv[2])
first = home / "state.db.malformed-backup-20260420_090000"
shutil.copy2(home / "state.db", first)
data = bytearray(first.read_bytes())
data[-1] ^= 1
second = home / "state.db.malformed-backup-20260420_090001"
second.write_bytes(data)
for n in range(2, number):
    source = (first, second)[n % 2]
    shutil.copy2(source, home / f"state.db.malformed-backup-20260420_{90000 + n:06d}")
