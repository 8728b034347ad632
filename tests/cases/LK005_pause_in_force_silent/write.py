import time

from hermes_state import SessionDB

db = SessionDB()
db.create_session("choir", source="telegram")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.append_message("choir", "assistant", "Four of six have said yes.")
db.record_compression_failure_cooldown("choir", time.time() + 900, "the model gave no summary")
db.close()
