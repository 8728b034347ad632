"""The smallest homes that the engine can be tried on, and what a run of it needs from outside.

Structures are those of the releases (the project's catalogue); rows and transcripts are invented.
Everything is fixed: equal arguments give equal bytes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import jsonlines

from hermes_repair.app import migrate as migrate_app
from hermes_repair.app import repair as repair_app
from hermes_repair.app import undo as undo_app
from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Environment
from hermes_repair.app.repair import Repaired
from hermes_repair.home.layout import Home, open_home
from hermes_repair.model.choices import LookOptions, Selection, WalChoice
from sample_data.build import structure_sql

NOW = 1_781_946_000.0  # 2026-06-20 09:00 UTC
DAY = 86400.0
WISHES = LookOptions()

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
    (root / "sessions").mkdir(parents=True)
    with closing(sqlite3.connect(root / "state.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(structure_sql(number))
        db.execute("BEGIN")
        db.execute("INSERT INTO schema_version VALUES (?)", (number,))
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
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
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
    with jsonlines.open(root / "sessions" / f"{FRONT}.jsonl", "w", dumps=json.dumps) as file:
        file.write_all(lines)
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
    with jsonlines.open(root / "sessions" / f"{ONLY}.jsonl", "w", dumps=json.dumps) as file:
        file.write_all(lines)
    return ONLY


def fixed_environment(
    tmp: Path, *, tell: Callable[[str], None] = lambda _sentence: None
) -> Environment:
    """Return a world without an installed Hermes whose clock stands still at ``NOW``."""
    return Environment(
        now=lambda: NOW,
        sleep=lambda _seconds: None,
        random=Random(0),
        environ={},
        user_home=tmp,
        platform="linux",
        zone=UTC,
        tell=tell,
    )


def look(root: Path, environment: Environment) -> Diagnosis:
    """Return what the doctor finds."""
    return diagnose(open_home(root), environment, WISHES, Selection())


def ids(found: Diagnosis) -> list[str]:
    """Return the ids of the findings, each as often as it was found."""
    return sorted(finding.id for finding in found.findings)


def repair(
    root: Path,
    environment: Environment,
    *,
    choice: WalChoice | None = None,
    backup: bool = False,
    selection: Selection | None = None,
) -> Repaired:
    """Run ``repair --yes``."""
    return repair_app.repair(
        open_home(root),
        environment,
        WISHES,
        selection or Selection(),
        lambda _proposal: True,
        choice=choice,
        backup=backup,
    )


def migrate(root: Path, environment: Environment, to: int = 14) -> migrate_app.Migrated:
    """Run ``migrate --to N --yes``; raises what kept it from being done."""
    done = migrate_app.migrate(open_home(root), environment, to, False, lambda _way: True)
    if done.problem is not None:
        raise done.problem
    return done


def undo(root: Path, environment: Environment, receipt: str | None = None) -> undo_app.Undone:
    """Run ``undo --yes``."""
    return undo_app.undo(open_home(root), environment, receipt, lambda _entries: True)


@contextmanager
def opened(root: Path) -> Iterator[sqlite3.Connection]:
    """Open a home's database as another program would; autocommit, closed at the end."""
    with closing(sqlite3.connect(root / "state.db", isolation_level=None)) as db:
        yield db


def home_of(root: Path) -> Home:
    """Return the home as the commands see it."""
    return open_home(root)
