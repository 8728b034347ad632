import os

from hermes_state import SessionDB

db = SessionDB()
db.append_message("train", "user", "Too early. The next?")
db.append_message("train", "assistant", "At 5:28.")
db.end_session("train", "cli_close")
db.create_session("boat", source="cli")
db.append_message("boat", "user", "And by boat?")
os._exit(0)
