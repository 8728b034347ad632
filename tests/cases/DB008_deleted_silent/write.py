from chats import Chats

with Chats("2026-04-11 18:10") as chats:
    first = chats.turn("telegram jo", "What was the name of that cheese?", "Comte.")
    second = chats.turn("signal zoe", "Translate 'Feierabend'.", "The end of the working day.")
    chats.turn("telegram ann", "Is the market open on Monday?", "No, from Tuesday on.")
    chats.new("telegram jo")
    chats.new("signal zoe")
    chats.do_delete({"session": first})
    chats.do_delete({"session": second})
