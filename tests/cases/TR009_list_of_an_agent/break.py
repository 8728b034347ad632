import json
import sys
from pathlib import Path

spool = Path(sys.argv[1]) / "pending_messages"
spool.mkdir()
said = ["Is it done?", "Not yet.", "And tomorrow?", "Tomorrow it is."]
messages = [
    {"role": "assistant" if number % 2 else "user", "content": text}
    for number, text in enumerate(said)
]
told = {
    "reason": "shutdown-with-unpersisted-agent-history",
    "issue": "#72680",
    "session_id": "chat",
    "count": len(messages),
    "messages": messages,
}
for name, length in (("pending-2.json", 4), ("pending-1.json", 3)):
    (spool / name).write_text(json.dumps(told | {"messages": messages[:length]}, indent=2))
