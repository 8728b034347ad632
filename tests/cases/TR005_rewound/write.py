from chats import Chats

with Chats("2026-05-24 11:00") as chats:
    chats.turn("discord fay", "A name for the boat?", "'Petrel'.")
    chats.turn("discord fay", "Too short.", "'Wilson's storm petrel'.")
