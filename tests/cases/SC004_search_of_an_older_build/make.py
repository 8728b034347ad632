import sqlite3
import sys
from pathlib import Path

from hermes_repair.schema import catalogue_root

# A build of 2026-04-28 that was never released: the structure is the catalogue's own.
script = catalogue_root() / "db" / "structure" / "10.sql"
connection = sqlite3.connect(Path(sys.argv[1]) / "state.db")
connection.executescript(script.read_text(encoding="utf-8"))
connection.executescript("""
INSERT INTO sessions (id, source, started_at, message_count)
VALUES ('bees', 'cli', 1777370000.0, 3);
INSERT INTO messages (session_id, role, content, tool_calls, timestamp) VALUES
    ('bees', 'user', 'When do I open the hive?', NULL, 1777370001.0),
    ('bees', 'assistant', '', '[{"function": {"name": "thermometer"}}]', 1777370002.0),
    ('bees', 'tool', '14 degrees', NULL, 1777370003.0);
""")
connection.close()
