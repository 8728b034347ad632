from hermes_state import SessionDB

db = SessionDB()
db.delete_session("deleted")
db.close()
