from rows import db, say

words = [f"{number} of forty things that were said" for number in range(40)]
db.create_session("chat", source="cli")
say("chat", *words)
kept = [
    {"role": "assistant" if number % 2 else "user", "content": text}
    for number, text in enumerate(words)
]
for _time in range(2):
    db.archive_and_compact("chat", kept)
db.close()
