from chats import Chats

with Chats("2026-05-16 10:00") as chats:
    chats.turn("telegram eli", "Write a letter to my landlord.", "Here is a draft.")
    chats.turn("telegram eli", "Friendlier.", "Now with a greeting.")
