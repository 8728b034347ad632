from chats import Chats

with Chats("2026-05-27 06:00") as chats:
    for _ in range(3):
        chats.turn("telegram ivy", "Next.", "Next exercise: ten squats.")
