from rows import db, say

LIMIT = "You've reached the maximum number of tool-calling iterations allowed. Please stop."
for number, end in enumerate(("session_reset", "branched", "cli_close")):
    parent, helper = f"p{number}", f"h{number}"
    db.create_session(parent, source="telegram")
    say(parent, "Name three rivers.", "Elbe, Oder, Spree.")
    db.create_session(helper, source="telegram", parent_session_id=parent)
    say(helper, "Look up the length of the Elbe.", "1,094 km.", LIMIT, "Done.")
    db.end_session(parent, end)
db.close()
