from chats import Chats

with Chats("2026-04-21 18:10", first=40) as chats:
    chats.turn("telegram bob", "Is it raining?", "Yes.")
    chats.turn("telegram bob", "Still?", "It is.")
    chats.turn("telegram bob", "And now?", "Now it stopped.")
