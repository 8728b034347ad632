from hermes_state import SessionDB

db = SessionDB()
db.rewind_to_message("list", 3)
db.close()
