import sys
from pathlib import Path

with (Path(sys.argv[1]) / "state.db").open("r+b") as file:
    file.write(bytes(4096))
