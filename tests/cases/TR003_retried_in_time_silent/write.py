from chats import Chats

with Chats("2026-05-19 07:00") as chats:
    chats.turn("telegram max", "A rhyme on 'orange'.", "There is none.")
    chats.turn("telegram max", "A rhyme on 'silver'.", "There is none either.")
    chats.undo("telegram max")
    chats.turn("telegram max", "A rhyme on 'silver'.", "'Chilver', a young ewe.")
