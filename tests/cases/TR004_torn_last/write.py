from chats import Chats

with Chats("2026-05-20 15:00") as chats:
    chats.turn("slack uma", "Count the open tickets.", "Seventeen.")
    chats.turn("slack uma", "Sorted by age?", "The oldest is from March.", file=1)
