import os
import sys
from pathlib import Path

home = Path(sys.argv[1])
receipts = home / "hermes-repair" / "receipts"
receipts.mkdir(parents=True)
(receipts / "0001-20260101T000000Z-repair.db").write_bytes(b"SQLite format 3\0torn")
os.link(home / "state.db", receipts / "0002-20260102T000000Z-repair.db")
(receipts.parent / "acknowledged.json").write_text('{"LN004-', encoding="utf-8")
