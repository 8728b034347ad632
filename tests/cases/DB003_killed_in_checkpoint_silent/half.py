import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

PAGE = 4096
home = Path(sys.argv[1])
old = (home / "state.db").read_bytes()
with TemporaryDirectory() as folder:
    for name in ("state.db", "state.db-wal"):
        shutil.copyfile(home / name, Path(folder) / name)
    with closing(sqlite3.connect(Path(folder) / "state.db")) as copy:
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    new = (Path(folder) / "state.db").read_bytes()
# SQLite writes the pages in ascending order: the first half of the changed ones came through.
changed = [at for at in range(0, len(new), PAGE) if new[at : at + PAGE] != old[at : at + PAGE]]
half = bytearray(old)
for at in changed[: len(changed) // 2]:
    half[at : at + PAGE] = new[at : at + PAGE]
(home / "state.db").write_bytes(half)
assert half not in (old, new)
