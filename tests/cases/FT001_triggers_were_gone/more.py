from rows import db, say

db.create_session("home", source="cli")
say("home", "What is in the cellar?", "In the cellar is jam.")
db.close()
