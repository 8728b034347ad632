from chats import Chats

with Chats("2026-05-03 08:00") as chats:
    for day in ("Monday", "Tuesday", "Wednesday"):
        chats.turn("whatsapp ole", f"Does the ferry run on {day}?", "Until noon.")
        chats.turn("whatsapp ida", f"Wake me at six on {day}.", "I will.")
