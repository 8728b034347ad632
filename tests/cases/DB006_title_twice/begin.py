from hermes_state import SessionDB

db = SessionDB()
for chat, title in (("north", "Holidays"), ("south", "Garden")):
    db.create_session(chat, source="cli")
    db.append_message(chat, "user", f"Let us talk of {title.lower()}.")
    db.append_message(chat, "assistant", "Gladly.")
    assert db.set_session_title(chat, title)
db.close()
