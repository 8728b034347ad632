from hermes_state import SessionDB

db = SessionDB()
db.create_session("train", source="cli")
db.append_message("train", "user", "When is the first train?")
db.append_message("train", "assistant", "At 4:58.")
db.create_session("choir", source="cli")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.append_message("choir", "assistant", "Anna.")
db.close()
