import time

from hermes_state import SessionDB

now = 1780000000.0  # a day in May 2026


def tick():
    global now
    now += 5.0
    return now


time.time = tick
db = SessionDB()


def say(name, *words):
    for number, word in enumerate(words):
        db.append_message(name, "assistant" if number % 2 else "user", word)


for name in ("wine", "beer", "cider"):
    db.create_session(name, source="cli")
    say(name, f"Is the {name} ready to bottle?", "When it is clear.", "And then?", "Wait.")
db.close()
