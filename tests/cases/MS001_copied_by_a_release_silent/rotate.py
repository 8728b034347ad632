import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 0.002
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()


def say(name, *words):
    for number, word in enumerate(words):
        db.append_message(name, "assistant" if number % 2 else "user", word)


OKS = ("Is it done?", "Not yet.", *("ok", "done") * 4)


def polls(name):
    """One turn that asks a tool the same five times; some providers repeat the call's id."""
    call = {"id": "c", "type": "function", "function": {"name": "status", "arguments": "{}"}}
    db.append_message(name, "user", "Is it ready?")
    for _ in range(5):
        db.append_message(name, "assistant", "", tool_calls=[call])
        db.append_message(name, "tool", "running", tool_name="status", tool_call_id="c")
    db.append_message(name, "assistant", "Not yet.")


db.create_session("rotated", source="cli")
say("rotated", *OKS)
polls("rotated")
db.end_session("rotated", "compression")
db.create_session("rotated-2", source="cli", parent_session_id="rotated")
for message in db.get_messages_as_conversation("rotated"):
    fields = ("role", "content", "tool_name", "tool_calls", "tool_call_id")
    db.append_message("rotated-2", **{k: message[k] for k in fields if k in message})
db.update_token_counts("rotated-2", input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
