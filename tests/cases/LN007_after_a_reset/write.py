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


db.create_session("before", source="telegram")
say("before", "Name three rivers.", "Elbe, Oder, Spree.")
db.create_session("helper", source="telegram", parent_session_id="before")
say("helper", "Look up the length of the Elbe.", "1,094 km.")
db.end_session("before", "session_reset")
db.create_session("after", source="telegram", parent_session_id="before")
say("after", "Name three lakes.", "Müritz, Plau, Schwerin.", "Which is deepest?", "Schwerin.")
db.close()
