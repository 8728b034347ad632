from rows import db, say

db.create_session("choir", source="telegram")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("next", source="telegram", parent_session_id="choir")
say("next", "Who sings alto on Friday?", "Four of six have said yes.")
db.close()
