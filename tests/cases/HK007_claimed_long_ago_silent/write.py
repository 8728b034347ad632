import json

from cron_jobs import FILE, add
from hermes_state import SessionDB

SessionDB().close()
add("water the plants")
text = json.loads(FILE.read_text())
text["jobs"][0]["fire_claim"] = {"at": "2020-01-01T00:00:00+00:00", "by": "here"}
FILE.write_text(json.dumps(text, indent=2))
