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


db.create_session("shed", source="cli")
say("shed", "Is the shed dry?", "It is wet.", "So what now?", "A new roof.")
for message in db.get_messages_as_conversation("shed"):
    db.append_message("shed", message["role"], message["content"], timestamp=message["timestamp"])
last = db.list_recent_user_messages("shed", limit=1)[0]["id"]
db.rewind_to_message("shed", last)
db.close()
