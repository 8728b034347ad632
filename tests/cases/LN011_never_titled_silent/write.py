from rows import db, say

for name, title in (("choir", None), ("boat", "Boat")):
    db.create_session(name, source="telegram")
    say(name, "Who comes on Friday?", "Four of six have said yes.")
    db.end_session(name, "compression")
    db.create_session(f"{name}-2", source="telegram", parent_session_id=name)
    say(f"{name}-2", "And Saturday?", "Two.")
    db.update_token_counts(f"{name}-2", input_tokens=900, output_tokens=60, api_call_count=1)
    if title:
        db.set_session_title(name, title)
        db.set_session_title(f"{name}-2", f"{title} #2")
db.close()
