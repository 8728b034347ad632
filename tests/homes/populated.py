"""A home to migrate, with something for every data step on the way."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.homes.home import new_home

DAY = 86400.0
START = 1_778_000_000.0  # 2026-05-05
CHATS = 30
"""Chats with a person, each of which used a tool; the last has no title."""
TURNS = 5


def populated(root: Path, number: int = 11) -> Path:
    """Make a home of schema 11 to 15 with something for every data step on the way to 22.

    Delegate runs below chats, chats that look like them, tokens, two sessions with one title (the
    index is missing), and ``sessions.json`` with what step 18 takes from it. At rest, in WAL mode.
    """
    with new_home(root, number) as db:
        db.execute("DROP INDEX idx_sessions_title_unique")
        for chat in range(CHATS):
            _chat(db, chat)
            if chat % 3 == 0:
                _delegate(db, chat)
    entries = {f"agent:main:telegram:dm:{n}": _entry(n) for n in range(0, CHATS, 2)}
    (root / "sessions" / "sessions.json").write_text(json.dumps(entries), encoding="utf-8")
    return root


def chat_id(number: int) -> str:
    """Return the id of one of the chats."""
    return f"20260505_{number:06d}_cccccccc"


def _chat(db: sqlite3.Connection, number: int) -> None:
    titles = {1: "Plans", 2: "Plans", CHATS - 1: None}
    title = titles.get(number, f"Chat {number}")
    started = START + number * DAY
    db.execute(
        "INSERT INTO sessions (id, source, user_id, model, model_config, started_at, title,"
        " message_count, input_tokens, output_tokens, api_call_count)"
        " VALUES (?, 'telegram', ?, 'm', '{\"a\": 1}', ?, ?, ?, ?, 7, 5)",
        (chat_id(number), str(number), started, title, 3 * TURNS, number * 100),
    )
    for turn in range(TURNS):
        said = (
            ("user", f"question {turn} about the weir in chat {number}", None),
            ("assistant", f"answer {turn}: it is open", '[{"id": "c", "name": "look"}]'),
            ("tool", f"level {turn * number} centimetres", None),
        )
        for place, (role, text, calls) in enumerate(said):
            db.execute(
                "INSERT INTO messages (session_id, role, content, tool_calls, tool_name, timestamp)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    chat_id(number),
                    role,
                    text,
                    calls,
                    "look" if role == "tool" else None,
                    started + turn * 60 + place,
                ),
            )


def _delegate(db: sqlite3.Connection, number: int) -> None:
    started = START + number * DAY + 90
    run = f"20260505_{number:06d}_dddddddd"
    db.execute(
        "INSERT INTO sessions (id, source, parent_session_id, started_at, ended_at, end_reason,"
        " message_count) VALUES (?, 'telegram', ?, ?, ?, 'agent_close', 3)",
        (run, chat_id(number), started, started + 50),
    )
    for place, (role, text) in enumerate(
        (("user", "measure the weir"), ("tool", "14 cm"), ("assistant", "fourteen"))
    ):
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)",
            (run, role, text, started + place),
        )


def _entry(number: int) -> dict[str, object]:
    return {
        "session_key": f"agent:main:telegram:dm:{number}",
        "session_id": chat_id(number),
        "chat_type": "dm",
        "display_name": f"Person {number}",
        "origin": {"platform": "telegram", "chat_id": str(number), "user_id": str(number)},
        "memory_flushed": number % 4 == 0,
    }
