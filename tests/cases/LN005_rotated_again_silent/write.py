from rows import db, say

db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("between", source="cli", parent_session_id="choir")
db.end_session("between", "compression")
db.create_session("next", source="cli", parent_session_id="between")
say("next", "And tenor?", "Two.")
db.update_token_counts("next", input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
