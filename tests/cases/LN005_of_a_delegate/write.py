from rows import clock, db, say

# The program was killed in a rotation of the run.
db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.create_session("run", source="cli", parent_session_id="choir")
say("run", "Ask the tenors who is free on Friday.", "Two are.")
db.end_session("run", "compression")
clock.now -= 5.0  # a rotation makes the next session in the moment in which it ends this one
db.create_session("run2", source="cli", parent_session_id="run")
db.close()
