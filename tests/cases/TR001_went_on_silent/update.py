from chats import Chats

with Chats("2026-06-01 21:00") as chats:
    chats.turn("telegram rosa", "Another one?", "'Playtime'.")
