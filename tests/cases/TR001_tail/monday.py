from chats import Chats

with Chats("2026-05-18 07:00") as chats:
    chats.turn("telegram kim", "Train to Basel, please.", "Leaves 9:02, platform 7.")
    chats.turn("telegram lou", "Is the drill charged?", "To 80 percent.")
    chats.turn("telegram kim", "With a bicycle?", "Yes, coach 263.")
    chats.turn("telegram lou", "Which bit for concrete?", "The one with the wide tip.")
