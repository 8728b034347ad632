from hermes_state import SessionDB

db = SessionDB()
session = "20260524_105940_01010101"
last = [row for row in db.get_messages(session) if row["role"] == "user"][-1]
db.rewind_to_message(session, last["id"])
db.close()
