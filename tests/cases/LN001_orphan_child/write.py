from hermes_state import SessionDB

db = SessionDB()
db.create_session("parent", source="telegram")
db.append_message("parent", "user", "Where did we put the tent poles?")
db.append_message("parent", "assistant", "In the blue bag, I think.")
db.end_session("parent", "compression")
db.create_session("child", source="telegram", parent_session_id="parent")
db.append_message("child", "user", "They are not in the blue bag.")
db.append_message("child", "assistant", "Then look behind the skis.")
db.append_message("child", "user", "Found them, thank you!")
db.close()
