from chats import Chats

with Chats("2026-05-10 09:00") as chats:
    chats.turn("signal zoe", "Translate 'Feierabend'.")
    chats.turn("signal zoe", "And 'Fernweh'?", "A longing for far places.")
    chats.turn("signal zoe", "And 'Kabelsalat'?", "A tangle of cables.")
    chats.turn("signal tom", "Good morning.", "Good morning, Tom.")
    chats.turn("signal tom", "Any mail?", "Two letters.")
    chats.turn("signal tom", "From whom?", "The bank, and your aunt.")
