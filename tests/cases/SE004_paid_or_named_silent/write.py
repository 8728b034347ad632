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


db.create_session("named", source="tui")
db.set_session_title("named", "Shopping")
db.create_session("paid", source="tui")
db.update_token_counts("paid", input_tokens=900, output_tokens=60, api_call_count=1)
db.create_session("above", source="tui")
db.create_session("below", source="tui", parent_session_id="above")
say("below", "Look up the length of the Elbe.", "1,094 km.")
db.close()
