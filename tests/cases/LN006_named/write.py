import time

from hermes_state import SessionDB

now = 1780000000.0  # a day in May 2026
CALL = {"id": "c", "type": "function", "function": {"name": "terminal", "arguments": "{}"}}


def tick():
    global now
    now += 5.0
    return now


time.time = tick
db = SessionDB()


def say(name, *words):
    for number, word in enumerate(words):
        db.append_message(name, "assistant" if number % 2 else "user", word)


db.create_session("maybe", source="cli")
db.append_message("maybe", "user", "Count the files in this folder.")
db.append_message("maybe", "assistant", "", tool_calls=[CALL])
db.append_message("maybe", "tool", "12 files", tool_name="terminal", tool_call_id="c")
db.append_message("maybe", "assistant", "Twelve.")
db.close()
