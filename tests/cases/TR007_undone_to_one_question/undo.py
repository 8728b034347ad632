from chats import Chats

with Chats("2026-06-02 09:00") as chats:
    chats.undo("signal zoe")
    chats.undo("signal zoe")
