"""Databases to damage: any schema, page size and encoding, at three moments of their life."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.homes.database import STRUCTURES, columns_of, connect, insert
from tests.homes.rows import START, Values, call, rows_by_table

WORDS = (
    "harbour", "lantern", "sparrow", "cedar", "ferry", "window", "garden", "choir", "alto", "bread",
    "salt", "river", "meadow", "thunder", "copper", "violin", "candle", "天気", "はし", "Straße",
)  # fmt: skip
NEVER_CHANGED = ("10b",)
"""Structures of which a trigger lets no UPDATE and no DELETE of a message through."""
SHOWN = "idx_messages_session_active"
"""The index that says of each message whether its chat still shows it (schema 14 and later)."""
ROLES = ("user", "assistant", "tool", "assistant")


@dataclass(frozen=True, slots=True)
class Store:
    """How a database is made. ``shapes`` are files below ``schema/db/structure``.

    The first is the structure that it was made with; what the later ones have more is added, as a
    release does that opens it: ``ALTER TABLE ADD COLUMN`` in the order of the structure, and the
    index of :data:`SHOWN`. A share of ``sessions`` chats is written under each.
    """

    shapes: tuple[str, ...] = ("22",)
    page_size: int = 4096
    encoding: str = "UTF-8"
    auto_vacuum: int = 0
    sessions: int = 40
    longest: int = 60_000
    deleted: bool = False
    """Whether chats were deleted at the end, by an SQLite that leaves their bytes."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Life:
    """The bytes of one database: ``older`` when two thirds of it were written, ``newer`` at rest.

    ``before`` and ``wal`` are main file and -wal with the last third in the -wal alone: laid over
    each other they are what ``newer`` says.
    """

    older: bytes
    newer: bytes
    before: bytes
    wal: bytes


@cache
def life(store: Store) -> Life:
    """Return the bytes of a store, made once in a process."""
    with TemporaryDirectory(prefix="salvage-store-") as folder:
        path = Path(folder) / "state.db"
        random = Random(store.seed)
        parts = _parts(random, store)
        with closing(_made(path, store)) as db:
            for number, shape in enumerate(store.shapes):
                if number:
                    upgrade(db, shape)
                for _ in range(2 * store.sessions // (3 * len(store.shapes)) + 1):
                    _write(db, next(parts))
            if store.deleted:
                db.execute("DELETE FROM messages WHERE session_id LIKE '%3'")
                db.execute("DELETE FROM sessions WHERE id LIKE '%3'")
        older = path.read_bytes()
        with closing(connect(path)) as db:
            db.execute("PRAGMA secure_delete=OFF")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA wal_autocheckpoint=0")
            for chat in parts:
                _write(db, chat)
            db.execute("UPDATE sessions SET message_count = message_count + 1")
            if "title" in columns_of(db, "sessions"):
                db.execute("UPDATE sessions SET title = title || '+'")
            if store.shapes[-1] not in NEVER_CHANGED:
                # The search index has nothing of pictures, which begin with NUL, and of 30 the
                # first 8,192 characters of what a tool says.
                edited = "id % 7 = 0 AND instr(content, char(0)) = 0 AND length(content) < 8000"
                db.execute(f"UPDATE messages SET content = content || ' (edited)' WHERE {edited}")
            before, wal = path.read_bytes(), Path(f"{path}-wal").read_bytes()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            db.execute("PRAGMA journal_mode=DELETE").fetchall()
        return Life(older, path.read_bytes(), before, wal)


def upgrade(db: sqlite3.Connection, shape: str) -> None:
    """Add the tables and columns of a later structure, as Hermes 0.12.0 and later do on opening."""
    with closing(sqlite3.connect(":memory:")) as wanted:
        wanted.executescript((STRUCTURES / f"{shape}.sql").read_text(encoding="utf-8"))
        tables = wanted.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE %'"
            " AND name NOT LIKE 'messages_fts%' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for table, sql in tables:
            live = columns_of(db, table)
            if not live:
                db.execute(sql)
                continue
            for _, name, kind, not_null, default, _ in wanted.execute(
                f"PRAGMA table_info({table})"
            ):
                if name not in live:
                    words = f'"{name}" {kind}' + (" NOT NULL" if not_null else "")
                    words += f" DEFAULT {default}" if default is not None else ""
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {words}")
        for (sql,) in wanted.execute(f"SELECT sql FROM sqlite_master WHERE name = '{SHOWN}'"):
            db.execute(sql.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS"))
        number = int(shape[:2])
        db.execute("UPDATE schema_version SET version = ?", (number,))


def _made(path: Path, store: Store) -> sqlite3.Connection:
    db = connect(path)
    db.execute("PRAGMA secure_delete=OFF")
    db.execute(f"PRAGMA page_size={store.page_size}")
    db.execute(f"PRAGMA encoding='{store.encoding}'")
    db.execute(f"PRAGMA auto_vacuum={store.auto_vacuum}")
    db.executescript((STRUCTURES / f"{store.shapes[0]}.sql").read_text(encoding="utf-8"))
    db.execute("INSERT INTO schema_version VALUES (?)", (int(store.shapes[0][:2]),))
    db.execute("BEGIN")
    for table, rows in rows_by_table().items():
        insert(db, table, rows)
    db.execute("COMMIT")
    return db


Chat = dict[str, list[Values]]


def _write(db: sqlite3.Connection, chat: Chat) -> None:
    db.execute("BEGIN")
    for table, rows in chat.items():
        insert(db, table, rows)
    db.execute("COMMIT")


def _parts(random: Random, store: Store) -> Iterator[Chat]:
    """Yield one chat after the other: its session, its messages, what belongs to them."""
    for number in range(store.sessions):
        session = f"2026051{number % 10}_{number:06d}_{random.randrange(16**6):06x}{number % 10}"
        started = START + 7200.0 * number
        messages = [
            _message(random, session, started + 30.0 * n, n, store.longest)
            for n in range(random.randrange(4, 40))
        ]
        yield {
            "sessions": [
                {
                    "id": session,
                    "source": random.choice(("cli", "telegram", "cron")),
                    "user_id": random.choice((None, "u1", "u7")),
                    "model": random.choice(("m-a", "m-b")),
                    "model_config": '{"temperature": 1}',
                    "system_prompt": say(random, random.choice((0, 40, 400))),
                    "started_at": started,
                    "ended_at": random.choice((None, started + 3600, started + 3600.25)),
                    "end_reason": random.choice((None, "user_exit")),
                    "message_count": len(messages),
                    "tool_call_count": sum("tool_calls" in row for row in messages),
                    "input_tokens": random.randrange(100_000),
                    "output_tokens": random.randrange(9_000),
                    "title": f"{say(random, 3)} {number}",
                    "estimated_cost_usd": random.choice((None, 0.0, 0.25)),
                }
            ],
            "messages": messages,
            "session_model_usage": [
                {"session_id": session, "model": "m-a", "input_tokens": 5, "first_seen": started}
            ],
            "state_meta": [{"key": f"seen:{session}", "value": str(number)}],
        }


def _message(random: Random, session: str, time: float, number: int, longest: int) -> Values:
    """Return a message as an agent writes it: one in forty is long, one in ten thinks aloud."""
    role = ROLES[number % 4]
    words = random.choice((2, 8, 30, 120))
    content: str | None = say(random, words)
    if random.random() < 0.025:
        content = say(random, random.randrange(300, max(301, longest // 8)))
    row: dict[str, str | int | float | bytes | None] = {
        "session_id": session, "role": role, "content": content, "timestamp": time,
    }  # fmt: skip
    if number % 4 == 1:
        row |= {"tool_calls": call(f"c{number}"), "finish_reason": "tool_calls"}
        row |= {"content": random.choice((None, "", content))}
    elif role == "assistant":
        row |= {"finish_reason": "stop", "token_count": random.randrange(900)}
        row |= {"reasoning": random.choice((None, say(random, 20)))}
        row |= {"reasoning_content": random.choice((None, say(random, 12)))}
    elif role == "tool":
        row |= {"tool_call_id": f"c{number - 1}", "tool_name": "terminal"}
    elif random.random() < 0.2:
        row |= {"platform_message_id": str(random.randrange(10**6))}
    if random.random() < 0.03:
        row |= {"active": 0, "compacted": random.choice((0, 1))}
    return row


def say(random: Random, words: int) -> str:
    """Return so many words."""
    return " ".join(random.choices(WORDS, k=words))


PATHS: Sequence[tuple[str, ...]] = (
    ("11", "22"),
    ("13", "14", "19"),
    ("11", "13", "14", "16", "17", "19", "22"),
    ("08", "14"),
)
"""Structures that a database went through: what the releases in between made of it."""
