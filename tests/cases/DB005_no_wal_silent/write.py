import sqlite3

from hermes_state import SessionDB

connect = sqlite3.connect


class NoSharedMemory(sqlite3.Connection):
    """What a network filesystem does: SQLite cannot go to WAL there."""

    def execute(self, sql, *arguments):
        if sql == "PRAGMA journal_mode=WAL":
            raise sqlite3.OperationalError("locking protocol")
        return super().execute(sql, *arguments)


sqlite3.connect = lambda *given, **named: connect(*given, **named, factory=NoSharedMemory)

db = SessionDB()
db.create_session("notes", source="cli")
for number in range(30):
    db.append_message("notes", "user", f"Note {number}: " + "buy bread. " * 80)
db.close()
