"""The first open by a release, which hides chats, and the first chats after it."""

import time

start = time.time
offset = 1781000000.0 - start()  # eleven days later
time.time = lambda: start() + offset

from hermes_state import SessionDB  # noqa: E402  (the clock first)

db = SessionDB()
for name in ("later", "later-alone"):
    db.create_session(name, source="cli")
    db.append_message(name, "user", "Is it open on Sunday?")
    db.append_message(name, "tool", "opening hours", tool_name="fetch", tool_call_id="c")
    db.append_message(name, "assistant", "No.")
db.create_session(
    "later-helper",
    source="cli",
    parent_session_id="later",
    model_config={"max_iterations": 9, "_delegate_from": "later"},
)
db.append_message("later-helper", "user", "Fetch the opening hours.")
db.append_message("later-helper", "assistant", "Ten to six.")
db.close()
