from chats import Chats

with Chats("2026-05-25 20:00") as chats:
    session = "20260525_105940_01010101"
    history = chats.db.get_messages_as_conversation(session)
    opening = "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted"
    summary = {"role": "user", "content": f"{opening}: two chapters were read."}
    chats.db.archive_and_compact(session, [summary, *history[-2:]])
