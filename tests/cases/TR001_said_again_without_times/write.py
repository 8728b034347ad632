from chats import Chats

with Chats("2026-05-10 09:00") as chats:
    for _ in range(7):
        chats.turn("signal zoe", "ok", "done")
    chats.undo("signal zoe")
