import json
import sys
from pathlib import Path

spool = Path(sys.argv[1]) / "pending_messages"
spool.mkdir()
message = {"role": "user", "content": "And tomorrow?", "timestamp": 1780000500.0}
told = {"reason": "transcript_cap_drop", "data": {"session_id": "chat", "message": message}}
(spool / "1.json").write_text(json.dumps(told))
