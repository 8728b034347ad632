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
say("parent", "Compare the two offers.", "I have asked for it.")
db.create_session(
    "helper", source="cli", parent_session_id="parent", model_config={"_delegate_from": "parent"}
)
say("helper", "Compare offer A with offer B.", "A is cheaper.")
db.create_session("old", source="cli")
say("old", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("old", "compression")
db.create_session("old-2", source="cli", parent_session_id="old")
say("old-2", "And tenor?", "Two.")
db.update_token_counts("old-2", input_tokens=900, output_tokens=60, api_call_count=1)
db.set_session_archived("old-2", True)
db.close()
