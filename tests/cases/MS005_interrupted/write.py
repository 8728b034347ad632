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


call = {"id": "c1", "type": "function", "function": {"name": "terminal", "arguments": "{}"}}
for name in ("open", "orphan", "whole"):
    db.create_session(name, source="cli")
    db.append_message(name, "user", f"Is the {name} one here?")
    if name != "orphan":
        db.append_message(name, "assistant", "", tool_calls=[call])
    if name != "open":
        db.append_message(name, "tool", "yes", tool_name="terminal", tool_call_id="c1")
    say(name, "Well?", "Yes.")
db.close()
