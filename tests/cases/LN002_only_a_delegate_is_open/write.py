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


# The program was killed in a rotation; the chat went on in the session that it had closed.
db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("run", source="cli", parent_session_id="choir")
say("run", "Ask the tenors who is free on Friday.", "Two are.")
db.create_session("next", source="cli", parent_session_id="choir")
say("next", "[CONTEXT COMPACTION — REFERENCE ONLY] Alto is clear.", "Good.", "And bass?", "All.")
db.end_session("next", "cli_close")
db.close()
