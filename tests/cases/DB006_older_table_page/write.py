from rows import db, say

db.create_session("kept", source="cli")
say("kept", "Name three rivers.", "Elbe, Oder, Spree.")
db.create_session("deleted", source="cli")
say("deleted", "Name a lake.", "M\u00fcritz.")
db.close()
