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
assert db.try_acquire_compression_lock("choir", "pid=4000001:tid=7:agent=1c:nonce=00000001")
db.end_session("choir", "compression")
db.close()

folder = pathlib.Path(os.environ["HERMES_HOME"]) / "sessions"
folder.mkdir()
(folder / "sessions.json").write_text(json.dumps({"choir": {"session_id": "choir"}}))
