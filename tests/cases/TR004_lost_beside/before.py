from chats import Chats

with Chats("2026-05-21 07:00") as chats:
    chats.turn("whatsapp pat", "Two eggs, how long?", "Six minutes.")
    chats.turn("whatsapp pat", "From cold water?", "No, boiling.")
