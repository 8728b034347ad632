from equal_words import copy, db, say

db.create_session("rotated", source="cli")
say("rotated")
db.end_session("rotated", "compression")
db.create_session("rotated-2", source="cli", parent_session_id="rotated")
copy("rotated", "rotated-2")
db.update_token_counts("rotated-2", input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
