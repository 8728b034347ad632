import json
import os
import pathlib
import time

from hermes_state import SessionDB

time.time = lambda: 1780000000.0  # a day in May 2026

db = SessionDB()
for name in ("first", "second"):
    db.create_session(name, source="cli")
    db.append_message(name, "user", "How far are we?")
    db.append_message(name, "assistant", "Half-way.")
    db.end_session(name, "compression")
db.close()

folder = pathlib.Path(os.environ["HERMES_HOME"]) / "sessions"
folder.mkdir()
(folder / "sessions.json").write_text(
    json.dumps({"first": {"session_id": "first"}, "second": {"session_id": "second"}})
)
