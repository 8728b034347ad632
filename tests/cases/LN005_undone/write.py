from rows import db, say

db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("choir-2", source="cli", parent_session_id="choir")
say("choir-2", "And bass?", "Two.")
db.replace_messages("choir-2", [])  # what /undo of the only turn calls
db.close()
