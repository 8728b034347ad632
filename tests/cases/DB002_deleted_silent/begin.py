from hermes_state import SessionDB

db = SessionDB()
db.create_session("train", source="cli")
db.append_message("train", "user", "When is the first train?")
db.append_message("train", "assistant", "At 4:58.")
db.create_session("choir", source="cli")
for week in range(30):
    db.append_message("choir", "user", f"Who sings alto in week {week}? " + "Tell me all. " * 80)
    db.append_message("choir", "assistant", f"Anna, in week {week}. " + "And Eva. " * 80)
db.close()
