import os
import sys
import threading

from hermes_state import SessionDB

HOLDER = f"pid={os.getpid()}:tid={threading.get_ident()}:agent=7f3a10:nonce=0badcafe"
db = SessionDB()
assert db.try_acquire_compression_lock("not written yet", HOLDER)
print("ready", flush=True)
sys.stdin.readline()
