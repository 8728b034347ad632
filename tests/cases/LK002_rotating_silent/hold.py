import os
import sys
import threading

from hermes_state import SessionDB

HOLDER = f"pid={os.getpid()}:tid={threading.get_ident()}:agent=7f3a10:nonce=0badcafe"
db = SessionDB()
assert db.try_acquire_compression_lock("choir", HOLDER)
db.end_session("choir", "compression")
db.create_session("choir-2", source="telegram", parent_session_id="choir")
db.append_message("choir-2", "user", "Who sings alto on Friday?")
db.append_message("choir-2", "assistant", "Four of six have said yes.")
print("ready", flush=True)
sys.stdin.readline()
