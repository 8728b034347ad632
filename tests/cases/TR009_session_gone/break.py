import json
import sys
from pathlib import Path

spool = Path(sys.argv[1]) / "pending_messages"
spool.mkdir()
for number, text in enumerate(["And tomorrow?", "Tomorrow it is."]):
    role = "assistant" if number else "user"
    message = {"role": role, "content": text, "timestamp": 1780000500.0 + number}
    told = {
        "session_key": "lost",
        "reason": "transcript_cap_drop",
        "ts": 1780000600,
        "seq": number,
        "data": {"session_id": "lost", "message": message},
    }
    (spool / f"pending-{number}.json").write_text(json.dumps(told))
