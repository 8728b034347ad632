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


OPENING = "[CONTEXT COMPACTION \u2014 REFERENCE ONLY] Earlier turns were compacted"
db.create_session("boat", source="cli")
say("boat", "I buy a boat.", "Which one?")
for text in ("A boat.", "A boat.", "A blue boat."):
    summary = {"role": "user", "content": f"{OPENING} into this summary. {text}"}
    db.archive_and_compact("boat", [summary, {"role": "assistant", "content": "Noted."}])
    say("boat", "It is blue.", "Nice.")
db.close()
