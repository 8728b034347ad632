from hermes_state import SessionDB

db = SessionDB()
db.create_session("cellar", source="cli")
for shelf in range(30):
    db.append_message("cellar", "user", f"Shelf {shelf}? " + "What is on it? " * 60)
    db.append_message("cellar", "assistant", f"Shelf {shelf}: jam. " + "Cherry. " * 60)
db.close()
