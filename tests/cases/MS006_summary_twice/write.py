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


SUMMARY = (
    "[CONTEXT COMPACTION \u2014 REFERENCE ONLY] Earlier turns were compacted"
    " into this summary. A boat was bought."
)
db.create_session("boat", source="cli")
say("boat", "I buy a boat.", "Which one?", SUMMARY, "It is blue.", SUMMARY, "Noted.")
db.close()
