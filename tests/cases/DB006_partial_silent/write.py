from hermes_state import SessionDB

db = SessionDB()
for chat in ("bread", "soup"):
    db.create_session(chat, source="cli")
    db.append_message(chat, "user", f"How long does the {chat} take?")
    db.append_message(chat, "assistant", "An hour.")
    db.append_message(chat, "user", "Thank you!")
db.close()
