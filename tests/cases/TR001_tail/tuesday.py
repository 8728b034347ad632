from chats import Chats

with Chats("2026-05-19 08:00") as chats:
    chats.turn("telegram lou", "It works!", "Mind the pipe.")
    chats.turn("telegram kim", "And back on Thursday?", "At 17:31, one change.")
