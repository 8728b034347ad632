from hermes_constants import get_hermes_home
from hermes_state import SessionDB

session = "20260517_095940_01010101"
db = SessionDB()
db.delete_session(session, sessions_dir=get_hermes_home() / "sessions")
db.close()
assert (get_hermes_home() / "sessions" / f"session_{session}.json").exists()
