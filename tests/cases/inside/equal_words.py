"""A chat full of equal words: a person says "ok" four times, and one turn polls a tool five times.

Importing it sets a clock that ticks by two milliseconds and opens the release's database.
"""

import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 0.002
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()

FIELDS = ("role", "content", "tool_name", "tool_calls", "tool_call_id")


def say(name):
    """Say all of it in a session."""
    for number, word in enumerate(("Is it done?", "Not yet.", *("ok", "done") * 4)):
        db.append_message(name, "assistant" if number % 2 else "user", word)
    # Some providers repeat the call's id.
    call = {"id": "c", "type": "function", "function": {"name": "status", "arguments": "{}"}}
    db.append_message(name, "user", "Is it ready?")
    for _ in range(5):
        db.append_message(name, "assistant", "", tool_calls=[call])
        db.append_message(name, "tool", "running", tool_name="status", tool_call_id="c")
    db.append_message(name, "assistant", "Not yet.")


def copy(source, target):
    """Store a session again as another, as a rotation and a branch do."""
    for message in db.get_messages_as_conversation(source):
        db.append_message(target, **{k: message[k] for k in FIELDS if k in message})
