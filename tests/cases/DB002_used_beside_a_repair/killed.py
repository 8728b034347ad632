import os

from hermes_state import SessionDB

db = SessionDB()
db.append_message("train", "user", "Too early. The next?")
os._exit(0)
