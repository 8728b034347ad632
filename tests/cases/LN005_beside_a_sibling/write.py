from rows import clock, db, say

db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.", "Who leads?", "Eva.")
db.end_session("choir", "compression")
clock.now -= 5.0  # a rotation makes the next session in the moment in which it ends this one
db.create_session("empty", source="cli", parent_session_id="choir")
db.set_session_title("empty", "Rehearsal")
db.create_session("next", source="cli", parent_session_id="choir")
say("next", "[CONTEXT COMPACTION — REFERENCE ONLY] Alto is clear.", "Good.", "And tenor?", "Two.")
db.update_token_counts("next", input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
