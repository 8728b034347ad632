from chats import Chats

with Chats("2026-05-14 18:00") as chats:
    chats.turn("signal bo", "Plan three days in Ghent.", "Day one: the altarpiece and a boat.")
    chats.turn("signal bo", "Day two?", "By bicycle along the Lys.")
    chats.turn("signal bo", "Go on from there.", "To Deurle, 14 kilometres.")
    chats.turn("signal bo", "Where do we sleep?", "In Latem, two rooms.", rotate=True)
    chats.turn("signal bo", "And day three?", "Market in the morning, train at four.")
    chats.turn("signal bo", "Perfect.", "Have a good trip.")
