from hermes_state import SessionDB

db = SessionDB()
db.create_session("choir", source="telegram")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.append_message("choir", "assistant", "Four of six have said yes.")
db.close()
