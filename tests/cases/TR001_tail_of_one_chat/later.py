from chats import Chats

with Chats("2026-05-11 09:00") as chats:
    chats.turn("signal zoe", "And 'Torschlusspanik'?", "The fear that a gate is closing.")
