from chats import Chats

with Chats("2026-05-29 07:00") as chats:
    chats.turn("slack dana", "Is it Friday?", "It is.")
