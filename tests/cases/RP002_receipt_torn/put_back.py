import shutil
import sys
from pathlib import Path

home = Path(sys.argv[1])
shutil.copyfile(home.with_name("yesterday.db"), home / "state.db")
