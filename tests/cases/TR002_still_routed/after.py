from hermes_state import SessionDB

db = SessionDB()
db.create_session("terminal", source="cli")
db.append_message("terminal", "user", "Is the gateway running?")
db.append_message("terminal", "assistant", "Not since the update.")
db.close()
