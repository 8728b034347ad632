from chats import Chats

with Chats("2026-04-20 18:10", first=20) as chats:
    chats.turn("telegram ada", "Which train to Ghent?", "The 9:14.")
    chats.turn("telegram ada", "And back?", "The 17:40.")
