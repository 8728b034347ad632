from chats import Chats

port = "20260601_080000_1a2b3c"
with Chats("2026-06-01 08:00") as chats:
    chats.clock.now = chats.moment
    chats.db.create_session(session_id=port, source="cli", model="example/model-1")
    chats.turn("cli me", "Which port does it listen on?", "8080.", session=port, flush=False)
    chats.turn("cli me", "Change it to 9090.", "Done.", session=port, flush=False)
    chats.turn("cli me", "Is it raining?", "No.", session="20260601_090000_4d5e6f")
