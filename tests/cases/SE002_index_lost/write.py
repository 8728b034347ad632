from rows import db, say

for name in ("old", "new"):
    db.create_session(name, source="cli")
    say(name, f"What is in the {name} box?", "Nails.")
db.close()
