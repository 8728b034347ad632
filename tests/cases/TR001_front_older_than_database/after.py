from chats import Chats

with Chats("2026-05-04 09:00") as chats:
    chats.turn("telegram anna", "Then I bake on Sunday.", "I put flour on the list.")
    chats.turn("telegram anna", "How much flour?", "Five hundred grams.")
    chats.turn("telegram anna", "Remind me on Saturday.", "I will, at noon.")
