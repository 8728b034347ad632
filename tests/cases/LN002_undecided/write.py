import time

from hermes_state import SessionDB

now = 1780000000.0  # a day in May 2026


def tick():
    global now
    now += 5.0
    return now


time.time = tick

db = SessionDB()
db.create_session("essay", source="cli")
db.append_message("essay", "user", "Help me with an essay on tides.")
db.append_message("essay", "assistant", "Begin with the moon.")
db.end_session("essay", "compression")
for name, question in (("essay-2", "And the sun?"), ("essay-3", "And the wind?")):
    db.create_session(name, source="cli", parent_session_id="essay")
    db.append_message(name, "user", question)
    db.append_message(name, "assistant", "It has its part in it.")
    db.update_token_counts(name, input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
