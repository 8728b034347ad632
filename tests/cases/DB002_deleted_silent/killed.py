import os

from hermes_state import SessionDB

db = SessionDB()
assert db.delete_session("choir")
os._exit(0)
