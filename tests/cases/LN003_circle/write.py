from rows import db, say

for name in ("wine", "beer", "cider"):
    db.create_session(name, source="cli")
    say(name, f"Is the {name} ready to bottle?", "When it is clear.", "And then?", "Wait.")
db.close()
