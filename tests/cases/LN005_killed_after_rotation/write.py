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


db.create_session("choir", source="cli")
db.set_session_title("choir", "Choir")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
now -= 5.0  # a rotation makes the next session in the moment in which it ends this one
db.create_session("empty", source="cli", parent_session_id="choir")
db.set_session_title("empty", "Choir #2")
db.close()
