from hermes_state import SessionDB

db = SessionDB()
db.create_session("parent", source="cli")
db.append_message("parent", "user", "Please compare the two offers.")
db.create_session("helper", source="cli", parent_session_id="parent")
db.append_message("helper", "user", "Compare offer A with offer B.")
db.append_message("helper", "assistant", "A is cheaper.")
db.append_message("parent", "assistant", "Offer A is cheaper.")
db.close()
