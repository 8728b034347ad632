import os

from hermes_state import SessionDB

db = SessionDB()
assert db.prune_empty_ghost_sessions() == 1
db.append_message("train", "assistant", "At 4:58.")
db.append_message("train", "user", "Too early. The next?")
os._exit(0)
