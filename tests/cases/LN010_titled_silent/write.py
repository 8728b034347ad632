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


db.create_session("photos", source="cli")
db.set_session_title("photos", "Photos")
db.append_message("photos", "user", "How many photos are there?")
db.append_message("photos", "assistant", "", tool_calls=[CALL])
db.append_message("photos", "tool", "12 files", tool_name="terminal", tool_call_id="c")
db.append_message("photos", "assistant", "Twelve.")
db.create_session("plain", source="cli")
say("plain", "Good morning.", "Good morning!")
db.close()
