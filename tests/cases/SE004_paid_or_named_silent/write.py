from rows import db, say

db.create_session("named", source="tui")
db.set_session_title("named", "Shopping")
db.create_session("paid", source="tui")
db.update_token_counts("paid", input_tokens=900, output_tokens=60, api_call_count=1)
db.create_session("above", source="tui")
db.create_session("below", source="tui", parent_session_id="above")
say("below", "Look up the length of the Elbe.", "1,094 km.")
db.close()
