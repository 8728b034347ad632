from rows import db, say

db.create_session("choir", source="telegram")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
for name, words in (("next", ("And tenor?", "Two.")), ("copy", ())):
    db.create_session(name, source="telegram", parent_session_id="choir")
    say(name, "Who sings alto on Friday?", "Four of six have said yes.", *words)
    db.update_token_counts(name, input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
