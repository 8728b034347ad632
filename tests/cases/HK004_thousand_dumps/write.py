import os
import pathlib

from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")

folder = pathlib.Path(os.environ["HERMES_HOME"], "sessions")
folder.mkdir(exist_ok=True)
for number in range(1000):
    (folder / f"request_dump_chat_{number}.json").write_text("{}")
