import sqlite3
import sys
from pathlib import Path

path = Path(sys.argv[1]) / "state.db"
connection = sqlite3.connect(path)
connection.execute("PRAGMA journal_mode=PERSIST")
connection.execute("UPDATE sessions SET title = 'Notes'")
connection.commit()
connection.close()
assert path.with_name("state.db-journal").stat().st_size > 0
