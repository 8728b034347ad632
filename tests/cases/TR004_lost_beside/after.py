from chats import Chats

with Chats("2026-05-22 07:00") as chats:
    chats.turn("whatsapp pat", "They burst.", "Prick them first.")
    chats.turn("whatsapp pat", "Now they are hard.", "Five minutes tomorrow.", file=1)
    chats.turn("whatsapp pat", "Coffee?", "It is running.")
    chats.turn("whatsapp pat", "The news?", "Quiet today.")
