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


db.create_session("talk", source="tui")
say("talk", "Name three rivers.", "Elbe, Oder, Spree.", "Which is longest?", "The Elbe.")
db.create_session("branch", source="tui", parent_session_id="talk")
say("branch", "Name three rivers.", "Elbe, Oder, Spree.", "And lakes?", "Müritz.")
db.create_session("helper", source="tui", parent_session_id="talk")
say("helper", "Look up the length of the Elbe.", "1,094 km.")
db.close()
