from rows import db, say

db.create_session("parent", source="cli")
say("parent", "Compare the two offers.")
db.create_session("child", source="cli", parent_session_id="parent")
say("child", "Compare offer A with offer B.", "A is cheaper.")
db.close()
