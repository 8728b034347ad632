from chats import Chats

with Chats("2026-05-10 09:00") as chats:
    chats.turn("signal zoe", "Translate 'Feierabend'.", "The end of the working day.")
    chats.turn("signal zoe", "And 'Fernweh'?", "A longing for far places.")
    chats.turn("signal zoe", "And 'Kabelsalat'?", "A tangle of cables.")
