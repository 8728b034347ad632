from chats import Chats

with Chats("2026-05-20 07:00", first=8) as chats:
    chats.turn("slack mary", "Is it raining?", "Not today.", file="none")
with Chats("2026-05-28 07:00") as chats:
    session = chats.turn("slack dana", "Note: the code of the gate is 4711.", "Noted.")
    chats.turn("slack dana", "And of the garage?", "You have not told me.")
    chats.do_delete({"session": session})
    chats.turn("slack finn", "Good morning.", "Good morning, Finn.")
    chats.turn("slack finn", "Any mail?", "Two letters.")
    chats.turn("slack finn", "From whom?", "The bank, and your aunt.")
