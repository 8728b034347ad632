"""Store a chat of 1 MB, and with ``delete`` delete it again as a prune does: ``HOME [delete]``."""

import base64
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

letters = random.Random(1)
with closing(sqlite3.connect(Path(sys.argv[1]) / "state.db")) as db:
    db.execute("INSERT INTO sessions (id, source, started_at) VALUES ('long', 'cli', 1779000000)")
    for number in range(200):
        text = base64.b64encode(letters.randbytes(4500)).decode()
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES ('long', 'user', ?, ?)",
            (text, 1779000000.0 + number),
        )
    db.execute("UPDATE sessions SET message_count = 200 WHERE id = 'long'")
    db.commit()
    if "delete" in sys.argv:
        db.execute("DELETE FROM messages WHERE session_id = 'long'")
        db.execute("DELETE FROM sessions WHERE id = 'long'")
        db.commit()
