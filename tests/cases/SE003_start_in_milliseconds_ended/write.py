import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 5.25
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()
for name in ("lake", "boat"):
    db.create_session(name, source="cli")
    db.append_message(name, "user", f"Is the {name} free?")
    db.append_message(name, "assistant", "From noon on.")
db.close()
