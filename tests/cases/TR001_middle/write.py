from chats import Chats

with Chats("2026-05-11 20:00") as chats:
    chats.turn("signal piet", "Which bulb fits the hall lamp?", "E14, at most 40 watts.")
    chats.turn("signal mara", "Good evening!", "Good evening, Mara.")
    chats.turn("signal piet", "And the one in the cellar?", "E27.", flush=False)
    chats.turn("signal piet", "Is LED all right there?", "Yes, and it stays cold.", flush=False)
    chats.turn("signal mara", "When does the shop close?", "At eight.")
    chats.turn("signal piet", "How many are left?", "Two E27, no E14.")
    chats.turn("signal piet", "Then order three E14.", "Ordered, they come on Thursday.")
