import os
import pathlib

from rows import db, say

db.create_session("chat", source="cli")
say("chat", "Is it done?", "Not yet.")
config = pathlib.Path(os.environ["HERMES_HOME"], "config.yaml")
config.write_text("database: {backend: SQLite}\nmodel: {backend: other}\n")
