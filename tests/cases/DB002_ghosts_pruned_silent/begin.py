import time

from hermes_state import SessionDB

time.time = lambda: 1780000000.0  # a day in May 2026

db = SessionDB()
db.create_session("opened-and-left", source="tui")
db.end_session("opened-and-left", "tui_shutdown")
db.create_session("train", source="cli")
db.append_message("train", "user", "When is the first train?")
db.close()
