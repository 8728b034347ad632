import sys
from pathlib import Path

for path in Path(sys.argv[1]).glob("state.db*"):
    path.unlink()
