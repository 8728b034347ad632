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


def call(id):
    return {"id": id, "type": "function", "function": {"name": "terminal", "arguments": "{}"}}


db.create_session("many", source="cli")
db.append_message("many", "user", "What is here?")
db.append_message("many", "assistant", "I look.", tool_calls=[call("c1"), call("c2")])
db.append_message("many", "tool", "a.txt", tool_name="terminal", tool_call_id="c2")
db.append_message("many", "tool", "b.txt", tool_name="terminal", tool_call_id="c1")
db.append_message("many", "assistant", "Two texts.")
db.create_session("old", source="cli")
db.append_message("old", "user", "What is here?")
db.append_message("old", "assistant", "", tool_calls=[{"name": "terminal", "arguments": "{}"}])
db.append_message("old", "tool", "a.txt", tool_name="terminal")
db.append_message("old", "assistant", "A text.")
db.close()
