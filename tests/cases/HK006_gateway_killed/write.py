from cron import executions
from rows import db, say

db.create_session("chat", source="telegram")
say("chat", "Is it done?", "Not yet.")
run = executions.create_execution("job", source="timer")
executions.mark_execution_running(run["id"])
