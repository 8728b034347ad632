from rows import db, say

for name in ("boat", "sail"):
    db.create_session(name, source="cli")
    say(name, f"Is the {name} dry?", "Almost.")
    db.end_session(name, "cli_close")
db.reopen_session("boat")
db.close()
