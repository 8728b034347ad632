"""A home of many chats of the real 0.14.0, hurt in every way that the comparison knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.homes.database import columns_of
from tests.scenario.generic import legacy_home

NOW = 1_781_946_000.0  # 2026-06-20

Hurt = Callable[[sqlite3.Connection, str, Path], None]


def ids_of(db: sqlite3.Connection, session: str) -> list[int]:
    """Return the ids of the messages of a session that a person sees, in order."""
    rows = db.execute(
        "SELECT id FROM messages WHERE session_id = ? AND role <> 'session_meta' ORDER BY id",
        [session],
    )
    return [row[0] for row in rows]


def drop(db: sqlite3.Connection, ids: list[int]) -> None:
    db.executemany("DELETE FROM messages WHERE id = ?", [[id] for id in ids])


def close_ids(db: sqlite3.Connection) -> None:
    """Give the messages ids without a gap, as if what was dropped had never been written.

    That is how rows are lost (another process held the write lock); rows that were taken out leave
    ids that nobody has.
    """
    names = ", ".join(name for name in columns_of(db, "messages") if name != "id")
    db.execute("CREATE TEMP TABLE kept AS SELECT * FROM messages ORDER BY id")
    db.execute("DELETE FROM messages")
    db.execute("DELETE FROM sqlite_sequence WHERE name = 'messages'")
    db.execute(f"INSERT INTO messages ({names}) SELECT {names} FROM kept ORDER BY id")
    db.execute("DROP TABLE kept")


def front(db: sqlite3.Connection, session: str, _file: Path) -> None:
    found = ids_of(db, session)
    drop(db, found[: len(found) // 2])


def middle(db: sqlite3.Connection, session: str, _file: Path) -> None:
    found = ids_of(db, session)
    drop(db, found[len(found) // 3 : -len(found) // 3])


def tail(db: sqlite3.Connection, session: str, _file: Path) -> None:
    found = ids_of(db, session)
    drop(db, found[-len(found) // 4 :])


def all_rows(db: sqlite3.Connection, session: str, _file: Path) -> None:
    db.execute("DELETE FROM messages WHERE session_id = ?", [session])


def no_session(db: sqlite3.Connection, session: str, file: Path) -> None:
    all_rows(db, session, file)
    db.execute("DELETE FROM sessions WHERE id = ?", [session])


def torn(_db: sqlite3.Connection, _session: str, file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b'{"role": "user", "content": "the power we')


def shorter(_db: sqlite3.Connection, _session: str, file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-3]))


def nothing(_db: sqlite3.Connection, _session: str, _file: Path) -> None:
    """This chat is as it was."""


def no_file(_db: sqlite3.Connection, _session: str, file: Path) -> None:
    file.unlink()


HURTS: tuple[Hurt, ...] = (
    nothing,
    front,
    middle,
    tail,
    all_rows,
    no_session,
    torn,
    shorter,
    no_file,
    nothing,
)


def hurt_home(home: Path, *, sessions: int, turns: int) -> dict[str, list[str]]:
    """Make the home and hurt its chats in turn; return the sessions by the name of the hurt."""
    said = legacy_home(home, NOW, sessions=sessions, turns=turns, seed=7)
    by_hurt: dict[str, list[str]] = {}
    with closing(sqlite3.connect(home / "state.db")) as db, db:
        first = db.execute("SELECT session_id FROM messages WHERE id = 1").fetchone()[0]
        for number, session in enumerate(sorted(said)):
            hurt = HURTS[number % len(HURTS)] if session != first else nothing
            hurt(db, session, home / "sessions" / f"{session}.jsonl")
            by_hurt.setdefault(hurt.__name__, []).append(session)
        close_ids(db)
    return by_hurt
