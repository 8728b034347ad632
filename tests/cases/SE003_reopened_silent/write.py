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


for name in ("boat", "sail"):
    db.create_session(name, source="cli")
    say(name, f"Is the {name} dry?", "Almost.")
    db.end_session(name, "cli_close")
db.reopen_session("boat")
db.close()
