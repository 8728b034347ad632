from chats import Chats

with Chats("2026-05-02 18:00") as chats:
    chats.turn("telegram anna", "Do we have eggs?", "Four, says your list.", flush=False)
    chats.turn("telegram anna", "And milk?", "One litre, good until Friday.", flush=False)
    chats.at("2026-05-04 09:00")
    chats.turn("telegram anna", "Then I bake on Sunday.", "I put flour on the list.")
    chats.turn("telegram anna", "How much flour?", "Five hundred grams.")
    chats.turn("telegram anna", "Remind me on Saturday.", "I will, at noon.")
