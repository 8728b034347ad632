import json
import os
import pathlib

from rows import db, say

db.create_session("20260528_222640_aaaaaaaa", source="telegram")
say(
    "20260528_222640_aaaaaaaa", "Which tiles did we take?", "The grey ones.", "How many?", "Ninety."
)
db.end_session("20260528_222640_aaaaaaaa", "compression")
db.close()

path = pathlib.Path(os.environ["HERMES_HOME"]) / "sessions" / "20260528_222712_bbbbbb.jsonl"
path.parent.mkdir()
said = [
    ("user", "Which tiles did we take?"),
    ("assistant", "The grey ones."),
    ("user", "[CONTEXT COMPACTION — REFERENCE ONLY] Earlier turns were compacted. Tiles."),
    ("user", "And the grout?"),
    ("assistant", "Light grey."),
]
meta = {"role": "session_meta", "tools": [], "model": "m", "platform": "telegram"}
with path.open("w", encoding="utf-8") as file:
    file.write(json.dumps({**meta, "timestamp": "2026-05-28T22:28:00"}) + "\n")
    for number, (role, content) in enumerate(said):
        stamp = f"2026-05-28T22:28:{number:02}"
        file.write(json.dumps({"role": role, "content": content, "timestamp": stamp}) + "\n")
