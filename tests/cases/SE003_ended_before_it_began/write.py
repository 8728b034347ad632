from rows import clock, db, say

db.create_session("boat", source="cli")
say("boat", "Is the hull dry?", "Almost.")
clock.now -= 4000
db.end_session("boat", "cli_close")
db.close()
