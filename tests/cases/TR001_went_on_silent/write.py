from chats import Chats

with Chats("2026-05-12 21:00") as chats:
    chats.turn("telegram rosa", "Name a film for tonight.", "'The Third Man'.")
    chats.turn("telegram rosa", "Who plays in it?", "Orson Welles, for a few minutes.", file="none")
    chats.turn("telegram rosa", "How long is it?", "An hour and three quarters.")
