"""A small home with one damage of each kind; rows and transcripts are invented.

Everything is fixed: equal arguments give equal bytes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.homes.home import new_home, write_transcript

NOW = 1_781_946_000.0  # 2026-06-20 09:00 UTC
DAY = 86400.0

FRONT = "20260601_080000_aaaaaaaa"  # TR001: the file has 4 messages that the rows lack
ORPHAN = "20260602_080000_bbbbbbbb"  # LN001: a person's chat whose parent row is gone
COUNTED = "20260603_080000_cccccccc"  # MS002: counts 9, has 2
HEALTHY = "20260604_080000_dddddddd"
LOCKED = "20260605_080000_eeeeeeee"  # LK001 (from schema 14 on): an expired lock
ONLY = "20260520_080000_ffffffff"  # TR002: see chat_only_in_file
GONE = "20260530_080000_99999999"

SECRET = "the heron waits at the weir"
"""Words that only conversations and titles have: no report may show them (R9)."""


def small_home(root: Path, number: int = 14) -> Path:
    """Make a home of schema 13 or 14 with one damage of each kind; at rest, in WAL mode."""
    with new_home(root, number) as db:
        add_session(db, HEALTHY, [("user", "hello", 1.0), ("assistant", "good day", 1.1)])
        _front_missing(db, root)
        orphan = [("user", f"{SECRET} {n}", 3 + n / 10) for n in range(3)]
        add_session(db, ORPHAN, orphan, parent=GONE)
        add_session(db, COUNTED, [("user", "one", 4.0), ("assistant", "two", 4.1)], counted=9)
        add_session(db, LOCKED, [("user", "long", 5.0), ("assistant", "very long", 5.1)])
        if number >= 14:
            db.execute(
                "INSERT INTO compression_locks VALUES (?, ?, ?, ?)",
                (LOCKED, "pid=4200101:tid=1:agent=1:nonce=1", NOW - DAY, NOW - DAY + 300),
            )
    return root


def add_session(
    db: sqlite3.Connection,
    session: str,
    messages: Sequence[tuple[str, str, float]],
    *,
    parent: str | None = None,
    counted: int | None = None,
    started: float | None = None,
) -> None:
    """Add a session of Telegram with messages (role, text, day); times are days after the first.

    ``started`` is the day of the session's own row, if it is another than the first message's.
    """
    start = NOW - 20 * DAY
    opened_on = messages[0][2] if started is None else started
    db.execute(
        "INSERT INTO sessions (id, source, user_id, parent_session_id, started_at, message_count,"
        " title, api_call_count) VALUES (?, 'telegram', 'u1', ?, ?, ?, ?, 1)",
        (
            session,
            parent,
            start + opened_on * DAY,
            len(messages) if counted is None else counted,
            f"{SECRET}, {session[-8:]}",
        ),
    )
    for role, text, day in messages:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)",
            (session, role, text, start + day * DAY),
        )


def _front_missing(db: sqlite3.Connection, root: Path) -> None:
    start = NOW - 20 * DAY
    said = [
        (f"{SECRET}, number {n}" if n % 2 == 0 else f"answer {n}", 1.5 + n // 2 / 100)
        for n in range(10)
    ]
    lines: list[dict[str, Any]] = [
        {
            "role": "assistant" if n % 2 else "user",
            "content": text,
            "timestamp": datetime.fromtimestamp(start + day * DAY, UTC)
            .replace(tzinfo=None)
            .isoformat(),
        }
        for n, (text, day) in enumerate(said)
    ]
    write_transcript(root, FRONT, lines)
    rows = [("assistant" if n % 2 else "user", *said[n]) for n in range(4, 10)]
    add_session(db, FRONT, rows, started=1.5)


def chat_only_in_file(root: Path, days: float = -5.0) -> str:
    """Add a transcript that no session row belongs to, from before the database; return its id."""
    lines = [
        {
            "role": role,
            "content": f"{SECRET}: {role} {turn}",
            "timestamp": datetime.fromtimestamp(NOW - 20 * DAY + (days + turn / 100) * DAY, UTC)
            .replace(tzinfo=None)
            .isoformat(),
        }
        for turn in range(2)
        for role in ("user", "assistant")
    ]
    write_transcript(root, ONLY, lines)
    return ONLY
