import os
import threading

from hermes_state import SessionDB

HOLDER = f"pid={os.getpid()}:tid={threading.get_ident()}:agent=7f3a10:nonce=0badcafe"
db = SessionDB()
db.create_session("choir", source="telegram")
db.append_message("choir", "user", "Who sings alto on Friday?")
db.create_session("garden", source="telegram")
db.append_message("garden", "user", "When do the tomatoes go out?")
assert db.try_acquire_compression_lock("choir", HOLDER)
db.close()
