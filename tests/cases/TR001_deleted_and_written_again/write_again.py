from chats import Chats

with Chats("2026-06-08 07:00") as chats:
    chats.turn("slack dana", "Do you remember a code?", "No.")
