import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 5.25
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()
now += 2e8  # the clock is six years ahead
db.create_session("boat", source="cli")
now -= 2e8
db.append_message("boat", "user", "Is it free?")
db.append_message("boat", "assistant", "From noon on.")
db.close()
