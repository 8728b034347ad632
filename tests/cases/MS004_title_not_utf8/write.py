import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 5.25
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()


def say(name, *words):
    for number, word in enumerate(words):
        db.append_message(name, "assistant" if number % 2 else "user", word)


for name in ("cafe", "tea"):
    db.create_session(name, source="cli")
    say(name, f"When does the {name} open?", "At nine.")
db.close()
