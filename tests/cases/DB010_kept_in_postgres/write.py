import os
import pathlib

from rows import db, say

db.create_session("chat", source="cli", parent_session_id=None)
say("chat", "Is it done?", "Not yet.")
config = pathlib.Path(os.environ["HERMES_HOME"], "config.yaml")
config.write_text("database:\n  backend: postgres\n")
