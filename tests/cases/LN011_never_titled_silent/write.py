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


for name, title in (("choir", None), ("boat", "Boat")):
    db.create_session(name, source="telegram")
    say(name, "Who comes on Friday?", "Four of six have said yes.")
    db.end_session(name, "compression")
    db.create_session(f"{name}-2", source="telegram", parent_session_id=name)
    say(f"{name}-2", "And Saturday?", "Two.")
    db.update_token_counts(f"{name}-2", input_tokens=900, output_tokens=60, api_call_count=1)
    if title:
        db.set_session_title(name, title)
        db.set_session_title(f"{name}-2", f"{title} #2")
db.close()
