from chats import Chats

with Chats("2026-05-10 08:50", first=2) as chats:
    tom = chats.turn("signal tom", "Good morning.", "Good morning.", file="none")
    chats.do_delete({"session": tom})
with Chats("2026-05-10 09:00") as chats:
    chats.turn("signal zoe", "Translate 'Feierabend'.", "The end of the working day.")
    chats.turn("signal zoe", "And 'Fernweh'?", "A longing for far places.")
    chats.turn("signal zoe", "And 'Kabelsalat'?", "A tangle of cables.")
