import shutil

from chats import Chats

with Chats("2026-05-16 10:00") as chats:
    chats.turn("telegram eli", "Write a letter to my landlord.", "Here is a draft.")
    session = chats.turn("telegram eli", "Ruder.", "You will not like this.")
    folder = chats.home / "sessions"
    shutil.copyfile(folder / f"{session}.jsonl", folder / f"{session}.bak.jsonl")
    chats.undo("telegram eli")
