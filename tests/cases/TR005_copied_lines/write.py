from chats import Chats

with Chats("2026-05-26 11:00") as chats:
    append = chats.store.append_to_transcript

    def append_twice(session_id, message, **how):
        append(session_id, message, **how)
        append(session_id, message, skip_db=True)

    chats.store.append_to_transcript = append_twice
    chats.turn("discord hal", "What is the time in Lima?", "Four in the morning.")
    chats.turn("discord hal", "Too early to call.", "Wait until two.")
