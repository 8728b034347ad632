import os

from hermes_state import SessionDB

db = SessionDB()
for shelf in range(20):
    db.append_message("cellar", "assistant", f"Shelf {shelf}: jam. " + "Cherry. " * 60)
os._exit(0)
