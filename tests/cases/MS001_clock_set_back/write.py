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


def again(name):
    for message in db.get_messages_as_conversation(name):
        at = message["timestamp"]
        db.append_message(name, message["role"], message["content"], timestamp=at)


db.create_session("shed", source="cli")
say("shed", "Is the shed dry?", "I look.", "ok", "It is wet.")
now -= 3600.0  # the clock is set back
say("shed", "So what now?", "A new roof.")
again("shed")
db.close()
