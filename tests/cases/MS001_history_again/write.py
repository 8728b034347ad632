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
for name in ("shed", "roof"):
    db.create_session(name, source="cli")
    say(name, f"Is the {name} dry?", "I look.")
    db.append_message(name, "assistant", "", tool_calls=[call])
    db.append_message(name, "tool", "wet", tool_name="terminal", tool_call_id="c1")
    say(name, "ok", "It is wet.", "ok")
for message in db.get_messages_as_conversation("shed"):
    db.append_message(
        "shed",
        message["role"],
        message["content"],
        tool_name=message.get("tool_name"),
        tool_calls=message.get("tool_calls"),
        tool_call_id=message.get("tool_call_id"),
        timestamp=message["timestamp"],
    )
say("shed", "So what now?", "A new roof.")
db.close()
