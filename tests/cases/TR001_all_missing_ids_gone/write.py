from chats import Chats

with Chats("2026-05-03 08:00") as chats:
    ferry = ["Is the ferry running today?", "Until noon; then there is a storm warning."]
    chats.turn("whatsapp ole", *ferry)
    chats.turn("whatsapp ole", "And tomorrow?", "From ten on.")
    chats.turn("whatsapp ida", "Wake me at six.", "I will.")
    chats.turn("whatsapp ida", "Half past six.", "Half past six, then.")
    chats.turn("whatsapp ida", "Thank you!", "Sleep well.")
