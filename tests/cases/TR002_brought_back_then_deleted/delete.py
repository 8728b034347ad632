from chats import Chats

with Chats("2026-06-08 07:00", first=9) as chats:
    assert chats.do_delete({"session": "20260528_065940_01010101"})["deleted"]
