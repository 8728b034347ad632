from chats import Chats

with Chats("2026-04-11 18:10") as chats:
    chats.turn("telegram jo", "What was the name of that cheese?", "Comte, eighteen months.")
    chats.turn("telegram jo", "Where did we buy it?", "At the market hall, second row.")
    chats.new("telegram jo")
    chats.turn("telegram jo", "And the bread?", "Two streets on, at the mill.")
    chats.turn("signal zoe", "Translate 'Feierabend'.", "The end of the working day.")
    chats.turn("signal zoe", "And 'Fernweh'?", "A longing for far places.")
