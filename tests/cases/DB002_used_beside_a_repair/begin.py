import json
import os
import pathlib
import time

from hermes_state import SessionDB

time.time = lambda: 1780000000.0  # a day in May 2026

db = SessionDB()
db.create_session("train", source="cli")
db.append_message("train", "user", "When is the first train?")
db.append_message("train", "assistant", "At 4:58.")
db.create_session("choir", source="cli")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.end_session("choir", "compression")
db.close()

folder = pathlib.Path(os.environ["HERMES_HOME"]) / "sessions"
folder.mkdir()
(folder / "sessions.json").write_text(json.dumps({"choir": {"session_id": "choir"}}))
