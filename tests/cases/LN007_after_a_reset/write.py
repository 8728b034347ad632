from rows import db, say

db.create_session("before", source="telegram")
say("before", "Name three rivers.", "Elbe, Oder, Spree.")
db.create_session("helper", source="telegram", parent_session_id="before")
say("helper", "Look up the length of the Elbe.", "1,094 km.")
db.end_session("before", "session_reset")
db.create_session("after", source="telegram", parent_session_id="before")
say("after", "Name three lakes.", "Müritz, Plau, Schwerin.", "Which is deepest?", "Schwerin.")
db.close()
