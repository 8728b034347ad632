from hermes_state import SessionDB

db = SessionDB()
db.append_message("train", "assistant", "At 5:28.")
db.append_message("train", "user", "And the one after that?")
db.append_message("train", "assistant", "At 5:58.")
db.close()
