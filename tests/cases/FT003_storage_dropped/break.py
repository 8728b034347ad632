import sqlite3
import sys
from contextlib import closing
from pathlib import Path

path = Path(sys.argv[1]) / "state.db"
with closing(sqlite3.connect(path)) as connection:
    connection.execute("DROP TABLE messages_fts_trigram_docsize")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
