from rows import db, say

# The program was killed in a rotation, and killed again while the delegate that it ran was asked.
db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("run", source="cli", parent_session_id="choir")
db.close()
