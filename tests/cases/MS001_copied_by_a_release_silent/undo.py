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


db.create_session("undone", source="cli")
db.set_session_title("undone", "Done yet")  # else the update tags it as a delegate's run
say("undone", *OKS)
polls("undone")
said = db.get_messages_as_conversation("undone")
db.replace_messages("undone", said)  # what /undo calls, with what is left
db.close()
