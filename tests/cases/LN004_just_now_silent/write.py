from hermes_state import SessionDB

db = SessionDB()
db.create_session("choir", source="cli")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.end_session("choir", "compression")
db.close()
