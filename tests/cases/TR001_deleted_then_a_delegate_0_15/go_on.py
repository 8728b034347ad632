from chats import Chats

with Chats("2026-06-08 07:00", first=9) as chats:
    session = chats.turn("slack dana", "Do you remember a code?", "No.")
    chats.db.create_session(
        session_id="20260608_071500_dddddd",
        source="slack",
        parent_session_id=session,
        model_config=None,
    )
    for role, text in (("user", "Look for codes."), ("assistant", "There are none.")):
        chats.db.append_message("20260608_071500_dddddd", role, text)
    chats.db.end_session("20260608_071500_dddddd", "cli_close")
