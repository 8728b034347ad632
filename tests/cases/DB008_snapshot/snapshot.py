import sys
from pathlib import Path

home = Path(sys.argv[1])
place = home / "state-snapshots" / "20260420-090000-pre-update"
place.mkdir(parents=True)
(home / "state.db").rename(place / "state.db")
for path in home.glob("state.db*"):
    path.unlink()
