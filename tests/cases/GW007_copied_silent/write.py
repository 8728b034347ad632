from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")
db.create_session("bread", source="cli")
say("bread", "How long does it rise?", "An hour.")
db.close()
