from rows import db, say

db.create_session("talk", source="cli")
say("talk", "Name three rivers.", "Elbe, Oder, Spree.", "Which is longest?", "The Elbe.")
db.close()
