from rows import db, say

for name, title in (("one", "Boxes"), ("two", "Boxes #2"), ("three", "boxes")):
    db.create_session(name, source="cli")
    db.set_session_title(name, title)
    say(name, f"What is in box {name}?", "Nails.")
db.close()
