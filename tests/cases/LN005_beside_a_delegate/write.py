from rows import db, say

db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("empty", source="cli", parent_session_id="choir")
db.set_session_title("empty", "Rehearsal")
db.create_session("run", source="cli", parent_session_id="choir")
say("run", "Ask the tenors who is free on Friday.", "Two are.")
db.close()
