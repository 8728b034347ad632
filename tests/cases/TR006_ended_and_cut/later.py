from chats import Chats

with Chats("2026-06-02 09:00", first=2) as chats:
    chats.undo("signal zoe")
    chats.new("signal zoe")
    chats.turn("signal zoe", "What is a 'Schnapsidee'?", "A daft plan.")
