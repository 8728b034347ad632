from rows import db, say

db.create_session("bike", source="telegram")
say("bike", "Which chain do I need?", "A nine-speed one.", "How long?", "114 links.")
db.end_session("bike", "compression")
for name, asked, answer in (
    ("bike-2", "And the cassette?", "Eleven to thirty-two."),
    ("bike-3", "Review the conversation above and update the skill library. Now.", "Done."),
):
    db.create_session(name, source="telegram", parent_session_id="bike")
    say(name, "Which chain do I need?", "A nine-speed one.", asked, answer)
    db.update_token_counts(name, input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
