from hermes_state import SessionDB

db = SessionDB()
assert len(db.get_messages("walk")) == 2
db.close()
