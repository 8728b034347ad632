from chats import Chats

with Chats("2025-10-26 01:30") as chats:  # at three the clock goes back to two
    for number in range(20):
        lost = 10 <= number <= 13
        said = ("ok", "done") if lost else (f"Question {number}?", f"Answer {number}.")
        chats.turn("telegram anna", *said, flush=not lost)
