from chats import Chats

with Chats("2026-05-23 07:00") as chats:
    chats.turn("telegram ren", "First line.\u2028Second line.", "Both have come.")
    chats.turn("telegram ren", "A smile: \U0001f642", "\U0001f642")
