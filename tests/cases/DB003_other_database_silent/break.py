"""Some program's file that is no database, and a board whose last write is in its -wal."""

import sqlite3
import sys
from pathlib import Path

home = Path(sys.argv[1])
(home / "notes.db").write_text("Not SQLite at all\n" * 400)
path = home / "kanban.db"
board = sqlite3.connect(path, isolation_level=None)
board.execute("PRAGMA journal_mode=WAL")
board.execute("PRAGMA wal_autocheckpoint=0")
board.execute("UPDATE tasks SET title = title || '!'")
kept = {side: Path(f"{path}{side}").read_bytes() for side in ("", "-wal")}
board.close()
for side, data in kept.items():
    Path(f"{path}{side}").write_bytes(data)
