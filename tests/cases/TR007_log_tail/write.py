from chats import Chats

books, other = "20260601_080000_1a2b3c", "20260601_080500_4d5e6f"
with Chats("2026-06-01 08:00") as chats:
    chats.turn("cli me", "Sort the books.", "By author?", session=books)
    chats.turn("cli me", "Is it raining?", "No.", session=other)
    chats.turn("cli me", "By colour.", "Pretty.", session=books)
    chats.turn("cli me", "Undo that.", "Done.", session=books, flush=False)
