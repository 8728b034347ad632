from rows import db, say

# The program was killed in a rotation; the chat went on in the session that it had closed.
db.create_session("choir", source="cli")
say("choir", "Who sings alto on Friday?", "Four of six have said yes.")
db.end_session("choir", "compression")
db.create_session("run", source="cli", parent_session_id="choir")
say("run", "Ask the tenors who is free on Friday.", "Two are.")
db.create_session("next", source="cli", parent_session_id="choir")
say("next", "[CONTEXT COMPACTION — REFERENCE ONLY] Alto is clear.", "Good.", "And bass?", "All.")
db.end_session("next", "cli_close")
db.close()
