import time

from hermes_state import SessionDB

time.time = lambda: 1780000000.0  # a day in May 2026

db = SessionDB()
db.create_session("choir", source="cli")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.end_session("choir", "compression")
db.create_session("choir-2", source="cli", parent_session_id="choir")
db.append_message("choir-2", "user", "And bass?")
db.append_message("choir-2", "assistant", "Two.")
db.end_session("choir-2", "cli_close")
db.close()
