from chats import Chats

with Chats("2026-06-06 12:00") as chats:
    chats.turn("telegram anna", "Did you not want to remind me?", "Now: flour, for Sunday.")
