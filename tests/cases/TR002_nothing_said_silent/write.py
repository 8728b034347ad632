from chats import Chats

with Chats("2026-05-17 10:00") as chats:
    chats.turn("telegram eli", "Hello?", "Hello!")
    meta = {"role": "session_meta", "tools": [], "platform": "telegram"}
    chats.store.append_to_transcript("20260517_110000_05050505", meta, skip_db=True)
