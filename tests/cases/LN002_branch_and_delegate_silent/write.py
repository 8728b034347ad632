from hermes_state import SessionDB

db = SessionDB()
db.create_session("essay", source="tui")
db.append_message("essay", "user", "Help me with an essay on tides.")
db.append_message("essay", "assistant", "Begin with the moon.")
marks = {"branch": {"_branched_from": "essay"}, "helper": {"_delegate_from": "essay"}}
for name, mark in marks.items():
    db.create_session(name, source="tui", model_config=mark, parent_session_id="essay")
    db.append_message(name, "user", "What do sailors say?")
    db.append_message(name, "assistant", "That the tide waits for no one.")
db.end_session("essay", "compression")
db.create_session("essay-2", source="tui", parent_session_id="essay")
db.append_message("essay-2", "user", "Now the sun.")
db.append_message("essay-2", "assistant", "It makes spring tides.")
db.close()
