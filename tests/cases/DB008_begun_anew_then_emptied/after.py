from chats import Chats

with Chats("2026-07-20 18:10", first=9) as chats:
    first = chats.turn("telegram ann", "Is anybody there?", "I am.")
    chats.turn("telegram bo", "Is the market open on Monday?", "No, from Tuesday on.")
    chats.turn("telegram bo", "Until when?", "Until six.")
    chats.do_delete({"session": first})
