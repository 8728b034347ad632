from hermes_state import SessionDB

db = SessionDB()
for name in ("budget", "garden"):
    db.create_session(name, source="cli")
    db.append_message(name, "user", "Go on where we stopped.")
    db.append_message(name, "assistant", "Gladly.")
    db.update_token_counts(name, input_tokens=900, output_tokens=60, model="example/model-1")
db.close()
