from chats import Chats

with Chats("2026-05-16 10:00") as chats:
    for name in ("eli", "mia", "jo"):
        chats.turn(f"telegram {name}", "Write a letter to my landlord.", "Here is a draft.")
        session = chats.turn(f"telegram {name}", "Friendlier.", "Now with a greeting.")
        chats.new(f"telegram {name}")
        chats.do_delete({"session": session})
