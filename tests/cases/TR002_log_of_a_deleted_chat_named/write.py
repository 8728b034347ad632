from chats import Chats

with Chats("2026-05-17 10:00") as chats:
    chats.turn("telegram eli", "Delete this later.", "Say when.")
