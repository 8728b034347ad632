import sys
from pathlib import Path

[receipt] = (Path(sys.argv[1]) / "hermes-repair" / "receipts").glob("*.db")
receipt.write_bytes(receipt.read_bytes()[:100])
