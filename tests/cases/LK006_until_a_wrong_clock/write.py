from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")
db.record_compression_failure_cooldown("chat", 1_950_000_000.0, "no model")
