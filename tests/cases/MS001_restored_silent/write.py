from chats import Chats

with Chats("2026-05-16 10:00") as chats:
    for number in range(12):
        if number == 5:
            chats.moment -= 7200  # the clock is set back
        lost = 6 <= number <= 8
        said = ("ok", "done") * 2 if lost else (f"Question {number}?", f"Answer {number}.")
        chats.turn("telegram anna", *said, flush=not lost)
