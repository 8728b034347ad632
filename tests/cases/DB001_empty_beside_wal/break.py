import sys
from pathlib import Path

(Path(sys.argv[1]) / "state.db").write_bytes(b"")
