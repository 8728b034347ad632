from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")
db.close()
