import os

from hermes_state import SessionDB

db = SessionDB()
db.append_message("choir", "user", "And bass? " + "Tell me all. " * 800)
os._exit(0)
