from chats import Chats

with Chats("2026-06-08 07:00", first=9) as chats:
    for _ in range(3):
        chats.undo("slack dana")
    chats.turn("slack dana", "Do you remember a code?", "No.")
    chats.turn("slack dana", "And now?", "Still none.", rotate=True)
    chats.turn("slack dana", "Pity.", "Tell me again.")
