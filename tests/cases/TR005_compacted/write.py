from chats import Chats

with Chats("2026-05-25 11:00") as chats:
    chats.turn("discord gil", "Read chapter one.", "It introduces the captain.")
    chats.turn("discord gil", "Chapter two.", "They set sail.")
    chats.turn("discord gil", "Chapter three.", "The first storm.")
