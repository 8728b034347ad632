import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 0.02
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()
db.create_session("twice", source="telegram")
for said, answer in (("Is it open?", "Yes."), ("Until when?", "Until nine."), ("ok", "Bye.")):
    for role, text in (("user", said), ("assistant", answer)):
        now += 7.0
        db.append_message("twice", role, text)
        db.append_message("twice", role, text)
db.close()
