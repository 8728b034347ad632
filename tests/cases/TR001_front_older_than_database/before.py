from chats import Chats

with Chats("2026-05-02 18:00") as chats:
    chats.turn("telegram anna", "Do we have eggs?", "Four, says your list.")
    chats.turn("telegram anna", "And milk?", "One litre, good until Friday.")
