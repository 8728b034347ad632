import shutil
import sys
from pathlib import Path

home = Path(sys.argv[1])
copy = home / "state.db.bak"
shutil.copy2(home / "state.db", copy)
with copy.open("r+b") as file:
    file.truncate(copy.stat().st_size // 2)
