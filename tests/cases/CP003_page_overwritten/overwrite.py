"""A copy that `cp` made while Hermes was writing: some pages are of another moment."""

import shutil
import sys
from pathlib import Path

home = Path(sys.argv[1])
place = home / "state-snapshots" / "20260420-090000"
place.mkdir(parents=True)
copy = place / "state.db"
shutil.copy2(home / "state.db", copy)
pages = copy.stat().st_size // 4096
with copy.open("r+b") as file:
    for page in range(3, pages, 4):
        file.seek(page * 4096)
        file.write(bytes(range(256)) * 16)
