import json
import os
import pathlib
import time

from hermes_state import SessionDB

time.time = lambda: 1780000000.0  # a day in May 2026

db = SessionDB()
db.create_session("choir", source="telegram")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.append_message("choir", "assistant", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("bread", source="cli")
db.append_message("bread", "user", "How long does it rise?")
db.end_session("bread", "cli_close")
db.close()

folder = pathlib.Path(os.environ["HERMES_HOME"]) / "sessions"
folder.mkdir()
(folder / "sessions.json").write_text(json.dumps({"choir": {"session_id": "choir"}}))
