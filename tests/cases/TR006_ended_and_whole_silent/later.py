from chats import Chats

with Chats("2026-06-02 09:00", first=2) as chats:
    chats.turn("signal zoe", "And 'Schnapsidee'?", "A daft plan.")
    chats.new("signal zoe")
