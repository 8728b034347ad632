from chats import Chats

with Chats("2026-05-28 07:00") as chats:
    session = chats.turn("slack dana", "Note: the code of the gate is 4711.", "Noted.", flush=False)
    chats.turn("slack dana", "And of the garage?", "You have not told me.")
    chats.turn("slack dana", "It is 1234.", "Noted as well.")
    chats.turn("slack finn", "Good morning.", "Good morning, Finn.")
    chats.turn("slack finn", "Any mail?", "Two letters.")
    chats.turn("slack finn", "From whom?", "The bank, and your aunt.")
