import time

from hermes_state import SessionDB

time.time = lambda: 1780000000.0  # a day in May 2026

db = SessionDB()
for name in ("first", "second"):
    db.create_session(name, source="cli")
    db.append_message(name, "user", "How far are we?")
    db.append_message(name, "assistant", "Half-way.")
    db.end_session(name, "compression")
db.close()
