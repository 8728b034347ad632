import json
import os
from pathlib import Path

from rows import db, say

# The program was killed in a rotation; the chat went on in the session that it had closed.
db.create_session("choir", source="telegram")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("run", source="telegram", parent_session_id="choir")
say("run", "Ask the tenors who is free on Friday.", "Two are.")
db.create_session("next", source="telegram", parent_session_id="choir")
say("next", "[CONTEXT COMPACTION — REFERENCE ONLY] Alto is clear.", "Good.", "And bass?", "All.")
db.close()
key = "agent:main:telegram:dm:lea"
entry = {"session_key": key, "session_id": "next", "platform": "telegram"}
folder = Path(os.environ["HERMES_HOME"]) / "sessions"
folder.mkdir(exist_ok=True)
(folder / "sessions.json").write_text(json.dumps({key: entry}))
