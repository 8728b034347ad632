"""Databases of every schema that Hermes Agent ever had, built from the catalogue.

Structures are those of ``schema/db/structure``, rows those of ``tests.homes.rows``; Hermes' own
triggers fill the search tables. Equal names give equal bytes.

A name stands for one shape that real databases were found in. What the real ones look like is held
against these by ``tests/unit/test_schema_structure.py`` where the folder ``shared`` is present.
"""

from __future__ import annotations

import lzma
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlite_utils import Database

from hermes_repair.model.values import decode_text
from hermes_repair.schema import catalogue_root
from tests.homes.rows import HIDING, Values, rows_by_table

Unpack = Callable[[str, Path], Path]
"""Writes the database of a name to a path, and returns that."""

STRUCTURES = catalogue_root() / "db" / "structure"


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema number, its file below ``structure``, and what an early build had not yet.

    ``columns_missing`` are written ``table.column``.
    """

    number: int
    file: str
    columns_missing: tuple[str, ...] = ()
    indexes_missing: tuple[str, ...] = ()
    tables_missing: tuple[str, ...] = ()


HANDOFF = ("sessions.handoff_state", "sessions.handoff_platform", "sessions.handoff_error")
UNREAD = ("sessions.last_read_at", "sessions.title_source")
SHAPES = {
    "v1": Shape(1, "01"),
    "v2": Shape(2, "02"),
    "v4": Shape(4, "04"),
    "v5": Shape(5, "05"),
    "v6": Shape(6, "06"),
    "v7": Shape(7, "07", tables_missing=("state_meta",)),
    "v7alt": Shape(7, "07b"),
    "v7m": Shape(7, "07"),
    "v8": Shape(8, "08"),
    "v9": Shape(9, "09"),
    "v10": Shape(10, "10"),
    "v10b": Shape(10, "10b"),
    "v11": Shape(11, "11", HANDOFF),
    "v11tag013": Shape(11, "11", HANDOFF),
    "0.13.0": Shape(11, "11"),
    "v12": Shape(12, "12"),
    "v13": Shape(13, "13"),
    "0.15.2": Shape(13, "13"),
    "v14first": Shape(
        14,
        "14",
        ("messages.active", "sessions.archived", "sessions.cwd", "sessions.rewind_count"),
        ("idx_messages_session_active",),
    ),
    "0.16.0": Shape(14, "14"),
    "v15": Shape(15, "15"),
    "v16first": Shape(16, "16"),
    "0.17.0": Shape(16, "16"),
    "v17first": Shape(
        17,
        "17",
        ("sessions.compression_failure_cooldown_until", "sessions.compression_failure_error"),
        ("idx_sessions_handoff_state",),
    ),
    "0.18.0": Shape(17, "17"),
    "v18": Shape(18, "18"),
    "0.18.2": Shape(19, "19"),
    "v20first": Shape(20, "20a"),
    "v20b": Shape(20, "20"),
    "v21": Shape(21, "21"),
    "v22first": Shape(22, "22", ("messages.api_content",)),
    "0.19.0": Shape(22, "22"),
    "v23first": Shape(
        23,
        "23",
        (
            "messages.display_kind",
            "messages.display_metadata",
            "sessions.compression_ineffective_count",
            "sessions.pinned",
        ),
    ),
    "v0.19.1": Shape(23, "23"),
    "v24": Shape(24, "24"),
    "v25first": Shape(25, "25", UNREAD),
    "v0.20.0": Shape(25, "25", UNREAD),
    "v25last": Shape(25, "25"),
    "v25upgraded": Shape(25, "25-upgraded"),
    "r30": Shape(30, "30"),
}

NEVER_FOUND = ("v18", "v25upgraded")
"""Shapes of which there is no real database beside ours."""

OLD_FIXTURES = {name: shape.number for name, shape in SHAPES.items() if shape.number <= 22}
LATER_FIXTURES = {name: shape.number for name, shape in SHAPES.items() if shape.number > 22}
RELEASE_OF = {
    11: "0.13.0", 13: "0.15.2", 14: "0.16.0", 16: "0.17.0", 17: "0.18.0", 19: "0.18.2",
    22: "0.19.0",
}  # fmt: skip


def connect(path: Path | str) -> sqlite3.Connection:
    """Open a database of a test, autocommit, TEXT as our own rooms read it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = decode_text
    return connection


def tables_of(connection: sqlite3.Connection) -> Database:
    """Return the tables behind a connection, which stays as it is: no pragma is set."""
    return Database(connection, recursive_triggers=False, execute_plugins=False)


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of a table in the order in which they stand there."""
    return list(tables_of(connection).table(table).columns_dict)


def structured(
    name: str, *statements: str, version: object = None, path: Path | str = ":memory:"
) -> sqlite3.Connection:
    """Open a new database with the structure of the file ``name``, after some statements.

    ``version`` is stamped before these; without one the table of the version stays empty.
    """
    connection = connect(path)
    connection.executescript((STRUCTURES / f"{name}.sql").read_text(encoding="utf-8"))
    if version is not None:
        connection.execute("INSERT INTO schema_version VALUES (?)", (version,))
    for sql in statements:
        connection.execute(sql)
    return connection


def build_database(name: str, target: Path) -> Path:
    """Write the database of ``name`` (a key of ``SHAPES``) to ``target``; no WAL, at rest."""
    target.write_bytes(_image(name))
    return target


def unpack_fixture(shared: Path, name: str, target: Path) -> Path:
    """Write the real database ``name`` (``v13``, ``0.16.0``, ...) of ``shared`` to ``target``."""
    packed = shared / "fixtures" / "schema-history" / f"{name}.db.xz"
    target.write_bytes(lzma.decompress(packed.read_bytes()))
    return target


@cache
def _image(name: str) -> bytes:
    shape = SHAPES[name]
    with closing(structured(shape.file)) as db:
        for table in shape.tables_missing:
            db.execute(f"DROP TABLE {table}")
        for index in shape.indexes_missing:
            db.execute(f"DROP INDEX {index}")
        for table, column in (place.split(".") for place in shape.columns_missing):
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute("INSERT INTO schema_version VALUES (?)", (shape.number,))
        for table, rows in rows_by_table().items():
            insert(db, table, rows)
        return db.serialize()


def insert(db: sqlite3.Connection, table: str, rows: Iterable[Values]) -> None:
    """Insert rows as far as the table has their columns; no table, no rows.

    What is hidden is left out where there is no column to say so.
    """
    columns = {row[1] for row in db.execute("SELECT * FROM pragma_table_info(?)", (table,))}
    for row in rows if columns else ():
        if row.keys() & HIDING - columns:
            continue
        names = [name for name in row if name in columns]
        marks = ", ".join("?" * len(names))
        values = [row[name] for name in names]
        db.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values)
