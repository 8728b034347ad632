from hermes_state import SessionDB

db = SessionDB()
for name in ("cellar", "attic"):
    db.create_session(name, source="cli")
    for shelf in range(30):
        db.append_message(name, "user", f"Shelf {shelf}? " + "What is on it? " * 60)
        db.append_message(name, "assistant", f"Shelf {shelf}: jam. " + "Cherry. " * 60)
db.delete_session("attic")
db.close()
