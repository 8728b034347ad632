import json

from cron_jobs import FILE, add
from rows import db, say

db.create_session("chat", source="cli")
say("chat", "Is it done?", "Not yet.")
add("water the plants", "read the news")
FILE.write_text(json.dumps(json.loads(FILE.read_text())["jobs"]))
