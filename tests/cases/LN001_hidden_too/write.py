from rows import db, say

db.create_session("child", source="telegram")
say("child", "They are not in the blue bag.", "Then look behind the skis.", "Found them!")
db.close()
