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


db.create_session("plan", source="tui")
say("plan", "Which way to the lake?", "By the mill.")
db.create_session(
    "lake",
    source="tui",
    parent_session_id="plan",
    model_config={"_branched_from": "plan", "model": "m/x"},
)
say("lake", "And with a bike?", "Along the river.")
db.close()
