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


db.create_session("parent", source="cli")
say("parent", "Compare the two offers.")
for source in ("subagent", "cron", "tool"):
    db.create_session(source, source=source, parent_session_id="parent")
    say(source, "Compare offer A with offer B.", "A is cheaper.", "Sure?", "Yes.")
db.close()
