"""What Hermes keeps of a state.db that it cannot use is damaged, and called so."""

import sys
from pathlib import Path

home = Path(sys.argv[1])
data = bytearray((home / "state.db").read_bytes())
data[4096 * 3 : 4096 * 5] = bytes(8192)
(home / "state.db.malformed-backup-20260420_090000").write_bytes(data)
(home / "state.db.zeroed-20260420-090000-4711.bak").write_bytes(b"")
(home / "state.db.notadb-20260420-090000-4711.bak").write_bytes(b"no database" * 100)
(home / "state.db.repair.lock").write_bytes(b"")
