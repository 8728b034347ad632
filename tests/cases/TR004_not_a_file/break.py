import sys
from pathlib import Path

(Path(sys.argv[1]) / "sessions" / "20260529_070000_0a0b0c0d.jsonl").mkdir()
