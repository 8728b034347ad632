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


db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.", "Who leads?", "Eva.")
db.end_session("choir", "compression")
now -= 5.0  # a rotation makes the next session in the moment in which it ends this one
db.create_session("empty", source="cli", parent_session_id="choir")
db.set_session_title("empty", "Rehearsal")
db.create_session("next", source="cli", parent_session_id="choir")
say("next", "[CONTEXT COMPACTION — REFERENCE ONLY] Alto is clear.", "Good.", "And tenor?", "Two.")
db.update_token_counts("next", input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
