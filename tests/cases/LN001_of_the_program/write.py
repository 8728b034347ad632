from rows import db, say

db.create_session("parent", source="cli")
say("parent", "Compare the two offers.")
for source in ("subagent", "cron", "tool"):
    db.create_session(source, source=source, parent_session_id="parent")
    say(source, "Compare offer A with offer B.", "A is cheaper.", "Sure?", "Yes.")
db.close()
