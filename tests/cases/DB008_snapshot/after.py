from chats import Chats

with Chats("2026-07-20 18:10", first=9) as chats:
    chats.turn("telegram ann", "Is the market open on Monday?", "No, from Tuesday on.")
    chats.turn("telegram ann", "Until when?", "Until six.")
