from chats import Chats

with Chats("2026-04-20 18:10", first=3) as chats:
    chats.turn("telegram jo", "Is the market open on Monday?", "No, from Tuesday on.")
    chats.turn("telegram jo", "Until when?", "Until six.")
    chats.turn("telegram jo", "Thank you.", "Enjoy the cheese.")
