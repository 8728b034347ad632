from rows import db, say

db.create_session("parent", source="cli")
say("parent", "Compare the two offers.", "I have asked for it.")
db.create_session(
    "helper", source="cli", parent_session_id="parent", model_config={"_delegate_from": "parent"}
)
say("helper", "Compare offer A with offer B.", "A is cheaper.")
db.create_session("old", source="cli")
say("old", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("old", "compression")
db.create_session("old-2", source="cli", parent_session_id="old")
say("old-2", "And tenor?", "Two.")
db.update_token_counts("old-2", input_tokens=900, output_tokens=60, api_call_count=1)
db.set_session_archived("old-2", True)
db.close()
