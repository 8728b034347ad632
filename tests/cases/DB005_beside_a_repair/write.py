import json
import os
import sqlite3
import time
from pathlib import Path

from hermes_constants import get_hermes_home
from hermes_state import SessionDB

connect = sqlite3.connect


class NoSharedMemory(sqlite3.Connection):
    """What a network filesystem does: SQLite cannot go to WAL there."""

    def execute(self, sql, *arguments):
        if sql == "PRAGMA journal_mode=WAL":
            raise sqlite3.OperationalError("locking protocol")
        return super().execute(sql, *arguments)


sqlite3.connect = lambda *given, **named: connect(*given, **named, factory=NoSharedMemory)

time.time = lambda: 1780000000.0  # a day in May 2026
db = SessionDB()
db.create_session("choir", source="cli")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.end_session("choir", "compression")
folder = Path(get_hermes_home()) / "sessions"
folder.mkdir()
(folder / "sessions.json").write_text(json.dumps({"choir": {"session_id": "choir"}}))
db.create_session("notes", source="cli")
for number in range(30):
    db.append_message("notes", "user", f"Note {number}: " + "buy bread. " * 80)

half = [{"role": "user", "content": f"Rewritten {n}: " + "buy milk. " * 80} for n in range(60)]
journal = Path(get_hermes_home()) / "state.db-journal"
db._conn.execute("PRAGMA cache_size=4")  # so that pages are written before the end
db._conn.set_progress_handler(
    lambda: os._exit(0) if journal.exists() and journal.stat().st_size > 40_000 else 0, 200
)
db.replace_messages("notes", half)
raise SystemExit("the write came to its end")
