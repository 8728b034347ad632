import os
import pathlib
import shutil

from rows import db, say

db.create_session("parent", source="telegram")
say("parent", "Where did we put the tent poles?", "In the blue bag, I think.")
db.create_session("child", source="telegram", parent_session_id="parent")
say("child", "They are not there.", "Behind the skis?", "Found them!")
db.close()

home = pathlib.Path(os.environ["HERMES_HOME"])
snapshot = home / "state-snapshots" / "20260528-120000"
snapshot.mkdir(parents=True)
shutil.copyfile(home / "state.db", snapshot / "state.db")
