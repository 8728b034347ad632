import os
import sys
import threading
import time

from hermes_state import SessionDB

HOLDER = f"pid={os.getpid()}:tid={threading.get_ident()}:agent=7f3a10:nonce=0badcafe"
db = SessionDB()
now = time.time()
time.time = lambda: now + 365 * 86400
assert db.try_acquire_compression_lock("choir", HOLDER)
time.time = lambda: now
print("ready", flush=True)
sys.stdin.readline()
