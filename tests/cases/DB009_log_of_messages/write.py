from hermes_state import SessionDB

db = SessionDB()
for name in ("list", "other"):
    db.create_session(name, source="telegram")
    db.append_message(name, "user", "Put soap on the list.")
    db.append_message(name, "assistant", "Soap is on it.")
    db.append_message(name, "user", "And rice.")
    db.append_message(name, "assistant", "Rice too.")
db.close()
