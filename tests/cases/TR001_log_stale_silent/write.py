import json

from chats import Chats

cut, older, undone, again, review, hidden = (
    f"20260601_08000{number}_1a2b3c" for number in range(6)
)
with Chats("2026-06-01 08:00") as chats:
    for number in range(4):
        for name in (cut, older):
            chats.turn("cli me", f"Question {number}?", f"Answer {number}.", session=name)
        chats.turn("cli me", f"Rewound {number}?", f"It was {number}.", session=hidden)
    for name in ("eva", "ada"):
        chats.turn(f"telegram {name}", "Buy bread.", "Noted.")
        chats.turn(f"telegram {name}", "And milk.", "Noted, too.")
        chats.turn(f"telegram {name}", "How many litres?", "Two.")
    folder = chats.home / "sessions"
    eva, ada = sorted(path.stem for path in folder.glob("2026*.jsonl"))
    for name in (eva, ada):
        chats._write_log(name)
    chats.undo("telegram eva")  # its log keeps what it took back: it never becomes shorter
    chats.undo("telegram ada")
    chats.turn("telegram ada", "How many litres?", "Three, as always.")
    said = chats.said[cut]

log = json.loads((folder / f"session_{cut}.json").read_text(encoding="utf-8"))
log["messages"], log["message_count"] = said[-4:], 4
(folder / f"session_{cut}.json").write_text(json.dumps(log, indent=2), encoding="utf-8")
# A background review of 0.13 and 0.14 writes a file of its own name, with its parent's id in it.
prompt = "Review the conversation above and update the skill library."
log["messages"] = [
    *said,
    {"role": "user", "content": prompt},
    {"role": "assistant", "content": "k"},
]
log["message_count"] = len(log["messages"])
(folder / f"session_{review}.json").write_text(json.dumps(log, indent=2), encoding="utf-8")
