import time

from hermes_state import SessionDB

db = SessionDB()
db.create_session("soup", source="cli")
db.append_message("soup", "user", "Which herbs?")
db.append_message("soup", "assistant", "Lovage.")
now = time.time()
time.time = lambda: now - 7200.0
assert db.try_acquire_compression_lock("soup", "pid=4200101:tid=1:agent=1:nonce=1")
db.close()
