from rows import db, say

db.create_session("boat", source="cli")
say("boat", "Is the hull dry?", "Almost.")
db.close()
