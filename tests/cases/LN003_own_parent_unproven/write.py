from rows import db, say

db.create_session("wine", source="cli")
say("wine", "Is it ready to bottle?", "When it is clear.")
db.close()
