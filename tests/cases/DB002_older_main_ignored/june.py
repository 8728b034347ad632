import os

from hermes_state import SessionDB

db = SessionDB()
db.delete_session("tea")
db.create_session("coffee", source="cli")
for day in range(40):
    db.append_message("coffee", "user", f"Day {day}: which coffee? " + "Tell me all. " * 80)
    db.append_message("coffee", "assistant", f"Day {day}: Kenya. " + "It is bright. " * 80)
db._try_wal_checkpoint()
db.append_message("coffee", "user", "And a cake?")
db.append_message("coffee", "assistant", "Plum.")
os._exit(0)
