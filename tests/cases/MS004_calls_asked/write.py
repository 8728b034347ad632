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
db.create_session("torn", source="cli")
db.append_message("torn", "user", "What is here?")
db.append_message("torn", "assistant", "I look.", tool_calls=[call])
db.append_message("torn", "tool", "a.txt", tool_name="terminal", tool_call_id="c1")
db.append_message("torn", "assistant", "A text.")
db.close()
