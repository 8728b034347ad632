from chats import Chats

with Chats("2026-05-16 10:00") as chats:
    for name in ("notes", "notes-copy"):
        chats.db.create_session(name, source="api_server")
        for role, text in (("user", f"Open {name}."), ("assistant", "Here they are.")):
            message = {"role": role, "content": text, "timestamp": "2026-05-16T10:00:20"}
            chats.store.append_to_transcript(name, message)
