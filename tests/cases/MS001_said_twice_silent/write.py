import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 0.2
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()
db.create_session("ok", source="telegram")
for role, text, pause in (
    ("user", "Is it open?", 9.0),
    ("assistant", "Yes.", 9.0),
    ("user", "ok", 9.0),
    ("user", "ok", 0.3),
    ("assistant", "Anything else?", 9.0),
    ("user", "ok", 9.0),
    ("assistant", "Anything else?", 0.5),
    ("user", "ok", 0.5),
    ("assistant", "Anything else?", 60.0),
):
    now += pause
    db.append_message("ok", role, text)
db.archive_and_compact("ok", db.get_messages_as_conversation("ok"))
db.close()
