from chats import Chats, place_of

with Chats("2026-06-08 07:00", first=9) as chats:
    session = chats._entry(place_of("slack dana")).session_id
    history = chats.store.load_transcript(session)
    asked = max(i for i, message in enumerate(history) if message["role"] == "user")
    chats.store.rewrite_transcript(session, history[:asked])
    chats.turn("slack dana", history[asked]["content"], "Noted twice.")
    chats.db.create_session(
        session_id="20260608_071500_dddddd",
        source="slack",
        parent_session_id=session,
        model_config=None,
    )
    for role, text in (("user", "Look for codes."), ("assistant", "There are none.")):
        chats.db.append_message("20260608_071500_dddddd", role, text)
    chats.db.end_session("20260608_071500_dddddd", "cli_close")
