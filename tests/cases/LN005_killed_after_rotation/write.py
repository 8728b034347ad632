from rows import clock, db, say

db.create_session("choir", source="cli")
db.set_session_title("choir", "Choir")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
clock.now -= 5.0  # a rotation makes the next session in the moment in which it ends this one
db.create_session("empty", source="cli", parent_session_id="choir")
db.set_session_title("empty", "Choir #2")
db.close()
