from rows import db, say


def child(name, parent, *words):
    db.create_session(name, source="telegram", parent_session_id=parent)
    say(name, "Who waters the plants?", "Ida does.", *words)
    db.update_token_counts(name, input_tokens=900, output_tokens=60, api_call_count=1)


db.create_session("a", source="telegram")
say("a", "Who waters the plants?", "Ida does.")
db.end_session("a", "compression")
child("b", "a", "And in July?", "Ole does.")
child("c", "a", "And the cat?", "Ida feeds it.")
db.end_session("b", "compression")
child("d", "b", "And in August?", "Nobody yet.")
child("e", "b", "And the post?", "Ole fetches it.")
for name in ("c", "e"):
    db.end_session(name, "agent_close")
db.close()
