from chats import Chats

with Chats("2026-07-20 18:10", first=9) as chats:
    chats.turn("telegram ann", "Is the market open on Monday?", "No, from Tuesday on.")
    chats.do_delete({"session": "20260411_184940_03030303"})
