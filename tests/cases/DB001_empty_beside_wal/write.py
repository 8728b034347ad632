import os

from hermes_state import SessionDB

db = SessionDB()
db.create_session("walk", source="cli")
db.append_message("walk", "user", "A walk of two hours, please.")
db.append_message("walk", "assistant", "Along the canal to the lock and back.")
os._exit(0)
