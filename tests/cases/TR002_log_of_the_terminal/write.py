from chats import Chats

with Chats("2026-06-01 08:00") as chats:
    once = "20260601_080000_1a2b3c"
    asked = ["How large is this folder?", "Three gigabytes."]
    chats.turn("cli me", *asked, session=once, flush=False)
    chats.turn("telegram mia", "Good morning.", "Good morning, Mia.")
    chats.turn("telegram mia", "Rain today?", "From three on.")
    chats.turn("telegram mia", "Umbrella then.", "It is in the car.")
