from rows import db, say

db.create_session("talk", source="tui")
say("talk", "Name three rivers.", "Elbe, Oder, Spree.", "Which is longest?", "The Elbe.")
db.create_session("branch", source="tui", parent_session_id="talk")
say("branch", "Name three rivers.", "Elbe, Oder, Spree.", "And lakes?", "Müritz.")
db.create_session("helper", source="tui", parent_session_id="talk")
say("helper", "Look up the length of the Elbe.", "1,094 km.")
db.close()
