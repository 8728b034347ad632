from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")
assert db.request_handoff("chat", "telegram")
assert db.claim_handoff("chat")
