from rows import db, say

db.create_session("s0", source="telegram")
say("s0", "Which way now?", "On.")
for number in range(1, 40):
    db.end_session(f"s{number - 1}", "compression")
    db.create_session(f"s{number}", source="telegram", parent_session_id=f"s{number - 1}")
    say(f"s{number}", "Which way now?", "On.", f"Step {number}?", "On.")
    db.update_token_counts(f"s{number}", input_tokens=9, output_tokens=6, api_call_count=1)
db.close()
