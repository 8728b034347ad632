from hermes_state import SessionDB

db = SessionDB()
db.clear_messages("choir")
db.close()
