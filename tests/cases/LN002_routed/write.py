from chats import Chats

with Chats("2026-06-04 18:00") as chats:
    parent = chats.turn("discord lea", "Read me the lease.", "Clause one: the parties.")
    chats.turn("discord lea", "Clause two?", "The rent is due on the third.")
    chats.turn("discord lea", "Clause three?", "Repairs up to 100 euros are yours.")
    chats.turn("discord lea", "Is that usual?", "It is.", rotate=True)
    chats.turn("discord lea", "And pets?", "With consent.", session=parent, rotate=True)
    chats.turn("discord lea", "So I sign?", "Nothing speaks against it.")
