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


db.create_session("s0", source="telegram")
say("s0", "Which way now?", "On.")
for number in range(1, 40):
    db.end_session(f"s{number - 1}", "compression")
    db.create_session(f"s{number}", source="telegram", parent_session_id=f"s{number - 1}")
    say(f"s{number}", "Which way now?", "On.", f"Step {number}?", "On.")
    db.update_token_counts(f"s{number}", input_tokens=9, output_tokens=6, api_call_count=1)
db.close()
