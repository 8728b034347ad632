"""`repair --unsafe` and `undo` on every structure that Hermes ever had: every value comes back.

Triggers of Hermes' own write, too: the search indexes at every schema, and at 30 two columns of
``messages`` in rows that nobody named.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hermes_repair.app.environment import Environment
from hermes_repair.app.history import history
from hermes_repair.model.choices import Selection
from tests.homes.content import rows, sound
from tests.homes.database import LATER_FIXTURES, OLD_FIXTURES, Unpack, columns_of
from tests.homes.home import opened
from tests.homes.small import DAY, NOW
from tests.in_process import home_of, repair, undo

UNSAFE = Selection(unsafe=True)
FRONT, TWICE, ODD = (f"2026060{n}_080000_{letter * 8}" for n, letter in enumerate("abc", 1))
WRITTEN = {name: n for name, n in (OLD_FIXTURES | LATER_FIXTURES).items() if n >= 11}


def damaged(name: str, home: Path, unpack: Unpack) -> Path:
    """Make a home of a schema: a chat without its front, wrong counts, odd values."""
    (home / "sessions").mkdir(parents=True)
    unpack(name, home / "state.db")
    said = [("user" if n % 2 == 0 else "assistant", f"heron {n}", n // 2) for n in range(10)]
    (home / "sessions" / f"{FRONT}.jsonl").write_text("".join(map(_line, said)), encoding="utf-8")
    with opened(home) as db:
        _session(db, FRONT, said[4:])
        _session(db, TWICE, [*said[:4], *said[:4]])
        _session(db, ODD, said[:4])
        db.execute("UPDATE messages SET timestamp = 1.0 WHERE session_id = ?", (ODD,))
        db.execute(
            'UPDATE messages SET tool_calls = \'[{"id": "c", "function": {"name": "x"}}]\''
            " WHERE session_id = ? AND role = 'assistant'",
            (ODD,),
        )
        db.execute("UPDATE sessions SET message_count = 77")
        if "display_identity" in _columns(db):
            _show(db)
    return home


def _line(said: tuple[str, str, int]) -> str:
    role, text, turn = said
    at = datetime.fromtimestamp(NOW - 9 * DAY + turn * 60, UTC).replace(tzinfo=None).isoformat()
    return json.dumps({"role": role, "content": text, "timestamp": at}) + "\n"


def _session(db: sqlite3.Connection, id: str, said: list[tuple[str, str, int]]) -> None:
    started = NOW - 9 * DAY
    db.execute(
        "INSERT INTO sessions (id, source, started_at) VALUES (?, 'telegram', ?)", (id, started)
    )
    for role, text, turn in said:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)",
            (id, role, text, started + turn * 60),
        )


def _columns(db: sqlite3.Connection) -> set[str]:
    return set(columns_of(db, "messages"))


def _show(db: sqlite3.Connection) -> None:
    """Give messages what Hermes works out for them: equal ones are one message, shown once."""
    for id, text, session in db.execute("SELECT id, content, session_id FROM messages").fetchall():
        identity = f"{session} {text}".encode()
        db.execute("UPDATE messages SET display_identity = ? WHERE id = ?", (identity, id))
    db.execute(
        "UPDATE messages SET display_order = (SELECT MIN(m.id) FROM messages m WHERE m.session_id ="
        " messages.session_id AND m.display_identity = messages.display_identity)"
    )


def undone(home: Path, environment: Environment) -> Iterator[str]:
    """Take everything back that can be; yield the names."""
    while any(entry.can_be_undone for entry in history(home_of(home))):
        yield from (entry.name for entry in undo(home, environment).entries)


@pytest.mark.parametrize("name", WRITTEN)
def test_every_value_comes_back(
    name: str, tmp_path: Path, environment: Environment, unpack: Unpack
) -> None:
    home = damaged(name, tmp_path / "home", unpack)
    before = rows(home / "state.db")
    done = repair(home, environment, selection=UNSAFE)
    assert not done.refused and done.units >= 3
    repaired = rows(home / "state.db")
    assert len(repaired["messages"]) == len(before["messages"]) + 4
    sound(home / "state.db")
    assert list(undone(home, environment))
    assert rows(home / "state.db") == before
    sound(home / "state.db")


@pytest.mark.parametrize("name", ["r30"])
def test_what_triggers_write_beside_is_kept(
    name: str, tmp_path: Path, environment: Environment, unpack: Unpack
) -> None:
    """Of a message that is there twice one is taken out, and the trigger changes the other."""
    home = damaged(name, tmp_path / "home", unpack)
    with opened(home) as db:
        shown = db.execute("SELECT id, display_identity, display_order FROM messages").fetchall()
    repair(home, environment, selection=UNSAFE)
    with opened(home) as db:
        now = db.execute("SELECT id, display_identity, display_order FROM messages").fetchall()
        order = db.execute(
            "SELECT display_order FROM messages WHERE session_id = ? ORDER BY id", (FRONT,)
        ).fetchall()
    assert len(order) == 10 and order == sorted(order), "what is shown is out of order"
    assert {row[0] for row in now} & {row[0] for row in shown}
    assert set(now) - set(shown), "no trigger wrote anything"
    # Hermes works out what is NULL, and what it worked out is taken back with the rest.
    with opened(home) as db:
        _show(db)
    assert list(undone(home, environment))
    with opened(home) as db:
        found = db.execute("SELECT id, display_identity, display_order FROM messages").fetchall()
    assert found == shown
