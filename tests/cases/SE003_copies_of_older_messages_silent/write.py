import time

now = 1780000000.5  # a day in May 2026


def tick():
    global now
    now += 5.25
    return now


time.time = tick

from hermes_state import SessionDB

db = SessionDB()
db.create_session("lake", source="cli")
db.append_message("lake", "user", "Is it free?")
db.append_message("lake", "assistant", "From noon on.")
db.end_session("lake", "branched")
db.create_session(
    "boat", source="cli", model_config={"_branched_from": "lake"}, parent_session_id="lake"
)
said = db.get_messages_as_conversation("lake")
for number, message in enumerate(said):
    message["timestamp"] = 1780000005.0 + number
db.replace_messages("boat", said)
db.close()
