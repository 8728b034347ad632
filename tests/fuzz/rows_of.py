"""Damage that SQLite itself can do: tables, columns, names and values that no release writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

from tests.fuzz.bytes_of import Hurt

TABLES = ("sessions", "messages", "compression_locks", "schema_version", "state_meta")
TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\x1b[31mred\x1b]0;title\x07",
    "[bold]no markup[/bold]",
    "\u202eevil",
    "../../../../tmp/x",
    "x" * 70_000,
    "null",
    "[]",
    '{"_branched_from": {}}',
    '{"_delegate_from": "' + "y" * 3000 + '"}',
    "[" * 20_000,
    '{"a": ' + "9" * 5000 + "}",
    '[{"id": 1, "function": null}]',
    "pid=-1:tid=x:agent=:nonce=",
    "pid=99999999999999999999:tid=1:agent=1:nonce=1",
    "compression",
    "tool",
    "NaN",
)
VALUES: tuple[object, ...] = (
    None,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    1e308,
    float("inf"),
    float("-inf"),
    -1e-300,
    b"",
    b"\xff\xfe\x00",
    b'{"a": 1}',
    *TEXTS,
)


def _with(home: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change the database as a program would; what SQLite refuses is left as it is."""
    path = home / "state.db"
    if not path.is_file():
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.text_factory = bytes
        try:
            db.execute("PRAGMA foreign_keys=OFF")
            db.execute("PRAGMA writable_schema=ON")
            change(db)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, UnicodeDecodeError):
            pass  # one that is damaged already


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1].decode() for row in db.execute(f"PRAGMA table_info({table})")]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def value(random: Random, home: Path) -> None:
    """Odd values in rows of Hermes' tables, invalid UTF-8 among them."""

    def change(db: sqlite3.Connection) -> None:
        for _ in range(random.choice([1, 1, 5])):
            table = random.choice(TABLES)
            column = random.choice(_columns(db, table) or ["rowid"])
            chosen = random.choice(VALUES)
            mark = "CAST(? AS TEXT)" if isinstance(chosen, bytes) and random.random() < 0.5 else "?"
            rows = db.execute(f"SELECT rowid FROM {table}").fetchall() or [(0,)]
            db.execute(
                f"UPDATE OR IGNORE {table} SET {_quoted(column)} = {mark} WHERE rowid = ?",
                (chosen, random.choice(rows)[0]),
            )

    _with(home, change)


def same_value(random: Random, home: Path) -> None:
    """One value in every row of a column: equal times, one parent, one title."""

    def change(db: sqlite3.Connection) -> None:
        table = random.choice(["sessions", "messages"])
        column = random.choice([name for name in _columns(db, table) if name != "id"])
        db.execute(f"UPDATE OR IGNORE {table} SET {_quoted(column)} = ?", (random.choice(VALUES),))

    _with(home, change)


def session_id(random: Random, home: Path) -> None:
    """Ids that are no file names, or look like somewhere else."""

    def change(db: sqlite3.Connection) -> None:
        (old,) = random.choice(db.execute("SELECT id FROM sessions").fetchall())
        for table, column in (("sessions", "id"), ("messages", "session_id")):
            if random.random() < 0.8:
                new = random.choice([text for text in TEXTS if len(text) < 5000])
                db.execute(
                    f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {column} = CAST(? AS TEXT)",
                    (new, old),
                )

    _with(home, change)


def lineage(random: Random, home: Path) -> None:
    """Parents at random: circles, themselves, the unknown."""

    def change(db: sqlite3.Connection) -> None:
        known = [row[0].decode() for row in db.execute("SELECT id FROM sessions")]
        for _ in range(random.choice([1, 3, 6])):
            parent = random.choice([*known, "nobody", None])
            reason = random.choice(["compression", "branched", "user_exit", None])
            db.execute(
                "UPDATE sessions SET parent_session_id = ?, end_reason = ?, ended_at = ?"
                " WHERE id = ?",
                (parent, reason, random.choice([None, 0, 1.78e9]), random.choice(known)),
            )

    _with(home, change)


def message_id(random: Random, home: Path) -> None:
    """Ids of messages at the ends of what an integer can be, or in another order."""

    def change(db: sqlite3.Connection) -> None:
        rows = [row[0] for row in db.execute("SELECT id FROM messages")]
        for _ in range(3):
            new = random.choice([2**63 - 1, -(2**63), -1, 0, random.randrange(10**6)])
            old = random.choice(rows)
            db.execute("UPDATE OR IGNORE messages SET id = ? WHERE id = ?", (new, old))

    _with(home, change)


def column(random: Random, home: Path) -> None:
    """A column that is missing, has another name, or is one too many."""

    def change(db: sqlite3.Connection) -> None:
        table = random.choice(TABLES)
        name = _quoted(random.choice(_columns(db, table) or ["id"]))
        way = random.choice(["drop", "drop", "rename", "add"])
        if way == "drop":
            for kind in ("index", "trigger"):
                of_table = "SELECT name FROM sqlite_master WHERE type = ? AND tbl_name = ?"
                for (found,) in db.execute(of_table, (kind, table)).fetchall():
                    if not found.startswith(b"sqlite_"):
                        db.execute(f"DROP {kind} {_quoted(found.decode())}")
            db.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        elif way == "rename":
            db.execute(f"ALTER TABLE {table} RENAME COLUMN {name} TO {_quoted('x' + name[1:3])}")
        else:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {_quoted(random.choice(TEXTS[1:6]))} ANY")

    _with(home, change)


def structure(random: Random, home: Path) -> None:
    """Tables, indexes and triggers that are gone, in one another's place, or not Hermes'."""

    def change(db: sqlite3.Connection) -> None:
        found = db.execute("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        kind, name = (part.decode() for part in random.choice(found))
        new = random.choice(["stranger", "x\x1b[2J", 'a"b'])
        table = random.choice(TABLES[:3])
        statements = [
            f"DROP {kind} {_quoted(name)}",
            f"ALTER TABLE {_quoted(name)} RENAME TO {_quoted(new)}",
            f"CREATE TABLE {_quoted(new)} (a, b)",
            f"CREATE VIEW {_quoted(new)} AS SELECT * FROM {table}",
            f"CREATE INDEX {_quoted(new)} ON {table} (rowid)",
            "DELETE FROM schema_version",
            "INSERT INTO schema_version VALUES (99)",
        ]
        db.execute(random.choice(statements))

    _with(home, change)


def master(random: Random, home: Path) -> None:
    """sqlite_master written by hand: names and texts that are none, root pages of others."""

    def change(db: sqlite3.Connection) -> None:
        found = db.execute("SELECT rowid FROM sqlite_master").fetchall()
        field, new = random.choice(
            [
                ("name", "CAST(name || x'ff' AS TEXT)"),
                ("sql", "CAST(replace(sql, 'id', x'6964ff') AS TEXT)"),
                ("sql", "'CREATE TABLE x (a'"),
                ("sql", "NULL"),
                ("tbl_name", "CAST(x'ff' AS TEXT)"),
                ("type", "'thing'"),
                ("rootpage", str(random.choice([0, 1, 2, 3, 5, 9999]))),
            ]
        )
        db.execute(
            f"UPDATE sqlite_master SET {field} = {new} WHERE rowid = ?", random.choice(found)
        )

    _with(home, change)


HURTS: tuple[Hurt, ...] = (
    value,
    value,
    same_value,
    session_id,
    lineage,
    message_id,
    column,
    structure,
    master,
)
