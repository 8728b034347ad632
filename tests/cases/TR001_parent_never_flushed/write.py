from chats import Chats

with Chats("2026-05-07 17:00") as chats:
    chats.turn(
        "discord vera", "What did I plant last year?", "Beans, chard and two pumpkins.", flush=False
    )
    chats.turn("discord vera", "Where were the beans?", "Along the south fence.", flush=False)
    chats.turn("discord vera", "Then peas there now.", "A good neighbour for chard.", rotate=True)
    chats.turn("discord vera", "Rows how far apart?", "Forty centimetres.")
    chats.turn("discord vera", "When do I sow?", "This week, it is warm enough.")
