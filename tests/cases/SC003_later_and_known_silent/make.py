import sqlite3
import sys
from pathlib import Path

from hermes_repair.schema import catalogue_root

# No release on the package index makes this schema: the structure is the catalogue's own.
script = catalogue_root() / "db" / "structure" / "25.sql"
connection = sqlite3.connect(Path(sys.argv[1]) / "state.db")
connection.executescript(script.read_text(encoding="utf-8"))
connection.executescript("""
INSERT INTO schema_version VALUES (25);
INSERT INTO sessions (id, source, started_at, message_count)
VALUES ('bees', 'cli', 1785000000.0, 2);
INSERT INTO messages (session_id, role, content, timestamp) VALUES
    ('bees', 'user', 'When do I open the hive?', 1785000001.0),
    ('bees', 'assistant', 'On a calm day above 12 degrees.', 1785000002.0);
""")
connection.close()
