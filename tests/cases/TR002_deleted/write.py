from chats import Chats

with Chats("2026-05-16 10:00") as chats:
    chats.turn("telegram eli", "Write a letter to my landlord.", "Here is a draft.")
    chats.turn("telegram eli", "Friendlier.", "Now with a greeting.")
    chats.turn("telegram mia", "Good morning.", "Good morning, Mia.")
    chats.turn("telegram mia", "Rain today?", "From three on.")
    chats.turn("telegram mia", "Umbrella then.", "It is in the car.")
    chats.new("telegram eli")
    chats.do_delete({"session": "20260516_095940_01010101"})
