from chats import Chats

photos = "20260601_080000_1a2b3c"
with Chats("2026-06-01 08:00") as chats:
    chats.turn("cli me", "Rename the photos.", "By date?", session=photos)
    chats.turn("cli me", "Yes.", "Done, 214 files.", session=photos, flush=False)
    chats.turn("cli me", "And the videos.", "Those too.", session=photos)
    chats.turn("cli me", "Is it raining?", "No.", session="20260601_090000_4d5e6f")
