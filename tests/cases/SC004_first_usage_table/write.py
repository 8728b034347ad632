from hermes_state import SessionDB

db = SessionDB()
for name, tokens in (("bees", 900), ("garden", 300)):
    db.create_session(name, source="telegram", model="example/model-1")
    db.append_message(name, "user", "Go on where we stopped.")
    db.append_message(name, "assistant", "Gladly.")
    db.update_token_counts(name, input_tokens=tokens, output_tokens=60, model="example/model-1")
db.close()
