from chats import Chats

with Chats("2026-05-09 11:00") as chats:
    chats.turn("slack noor", "Draft the invitation.", "Done, it is in the folder.")
    chats.turn("slack noor", "Make it shorter.", "Three lines now.", file="none", flush=False)
    chats.turn("slack noor", "Who is invited?", "Eleven people.", flush=False)
    chats.turn("slack noor", "Send it.", "Sent.")
    chats.turn("slack noor", "Any answers?", "Four so far.")
