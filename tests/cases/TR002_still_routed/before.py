from chats import Chats

with Chats("2026-04-12 09:00") as chats:
    chats.turn("signal kit", "Which route to the lake?", "Over the dam.")
    chats.turn("signal kit", "Is there shade?", "From the mill on.")
