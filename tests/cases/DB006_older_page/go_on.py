from chats import Chats

with Chats("2026-05-04 08:00", first=9) as chats:
    for loaf in range(1, 7):
        chats.turn("whatsapp eva", f"Is loaf {loaf} in the oven?", "It is.")
