import shutil
import sys
from pathlib import Path

home = Path(sys.argv[1])
other = home / "profiles" / "work"
other.mkdir(parents=True)
shutil.copy(home / "state.db", other / "state.db")
