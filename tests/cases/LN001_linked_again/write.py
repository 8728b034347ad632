from rows import db, say

db.create_session("garden", source="telegram")
say("garden", "What grows in shade?", "Ferns and hostas.", "And under a walnut?", "Little.")
db.end_session("garden", "compression")
db.create_session("garden-2", source="telegram", parent_session_id="garden")
db.end_session("garden-2", "compression")
db.create_session("garden-3", source="telegram", parent_session_id="garden-2")
say("garden-3", "What grows in shade?", "Ferns and hostas.")
say("garden-3", "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted. Shade.")
say("garden-3", "How deep do I plant them?", "As deep as their pot.")
db.update_token_counts("garden-3", input_tokens=900, output_tokens=60, api_call_count=1)
db.close()
