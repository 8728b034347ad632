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


LIMIT = "You've reached the maximum number of tool-calling iterations allowed. Please stop."
for number, end in enumerate(("session_reset", "branched", "cli_close")):
    parent, helper = f"p{number}", f"h{number}"
    db.create_session(parent, source="telegram")
    say(parent, "Name three rivers.", "Elbe, Oder, Spree.")
    db.create_session(helper, source="telegram", parent_session_id=parent)
    say(helper, "Look up the length of the Elbe.", "1,094 km.", LIMIT, "Done.")
    db.end_session(parent, end)
db.close()
