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


db.create_session("run", source="cli")
say("run", "Count the files in this folder.", "I count them.")
db.end_session("run", "cli_close")
db.create_session("child", source="cli", parent_session_id="run")
say("child", "Count the files in this folder.", "I count them.")
db.append_message("child", "assistant", "Twelve.")
db.close()
