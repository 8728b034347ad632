from hermes_state import SessionDB

db = SessionDB()
db.create_session("train", source="cli")
db.append_message("train", "user", "When is the first train?")
db.append_message("train", "assistant", "At 4:58.")
db.close()
