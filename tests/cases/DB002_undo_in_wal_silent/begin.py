from chats import Chats

with Chats("2026-06-03 18:00") as chats:
    chats.turn("telegram ana", "What did the vet say?", "A scratch, nothing more.")
    chats.turn("telegram ana", "Which ointment?", "The green one, twice a day.")
