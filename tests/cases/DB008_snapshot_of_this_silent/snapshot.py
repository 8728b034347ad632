import shutil
import sys
from pathlib import Path

home = Path(sys.argv[1])
place = home / "state-snapshots" / "20260420-090000-pre-update"
place.mkdir(parents=True)
shutil.copy2(home / "state.db", place / "state.db")
