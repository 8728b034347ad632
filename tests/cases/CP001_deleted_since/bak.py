import shutil
import sys
from pathlib import Path

home = Path(sys.argv[1])
shutil.copy2(home / "state.db", home / "state.db.bak")
