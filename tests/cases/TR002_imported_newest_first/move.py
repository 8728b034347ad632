from hermes_constants import get_hermes_home
from hermes_state import SessionDB

db = SessionDB()
exported = db.export_all()
db.close()
assert exported[0]["started_at"] > exported[-1]["started_at"], "newest first"
for path in get_hermes_home().glob("state.db*"):
    path.unlink()
db = SessionDB()
assert db.import_sessions(exported)["ok"]
db.close()
