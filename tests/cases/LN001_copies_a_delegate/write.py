from rows import db, say

db.create_session("run", source="cli")
say("run", "Count the files in this folder.", "I count them.")
db.end_session("run", "cli_close")
db.create_session("child", source="cli", parent_session_id="run")
say("child", "Count the files in this folder.", "I count them.")
db.append_message("child", "assistant", "Twelve.")
db.close()
