from rows import db, say

db.create_session("choir", source="telegram")
db.set_session_title("choir", "Choir")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("next", source="telegram", parent_session_id="choir")
say("next", "And tenor?", "Two.")
db.update_token_counts("next", input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
