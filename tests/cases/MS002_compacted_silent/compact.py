from hermes_state import SessionDB

db = SessionDB()
history = db.get_messages_as_conversation("list")
opening = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
summary = {"role": "user", "content": f"{opening}: soap was put on the list."}
db.archive_and_compact("list", [summary, *history[-2:]])
db.close()
