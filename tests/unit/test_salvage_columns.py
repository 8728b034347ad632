"""Columns of a table by the text that declares it, and by what is known of Hermes' tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hermes_repair.salvage.column_orders import Order, Records, hermes_tables
from hermes_repair.salvage.row_shapes import known_shapes
from hermes_repair.salvage.stored_table import Affinity, Stored, affinity, stored_table
from hermes_repair.schema.declared_table import declared_table
from hermes_repair.schema.structure import Table
from tests.homes.database import NEVER_FOUND, SHAPES, STRUCTURES, connect, unpack_fixture
from tests.unit.schema_support import structure_of

AS_STORED = "SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE TABLE %'"


def _as_sqlite_says(path: Path | str, script: str = "") -> Iterator[tuple[Table, str]]:
    """Yield every ordinary table of a database as SQLite has it, with its text."""
    with closing(connect(path)) as db:
        db.executescript(script)
        texts = dict(db.execute(AS_STORED).fetchall())
        for name, table in structure_of(db).tables.items():
            yield replace(table, foreign_keys=frozenset()), texts[name]


@pytest.mark.parametrize("name", sorted(path.stem for path in STRUCTURES.glob("*.sql")))
def test_a_declared_table_is_read_as_sqlite_reads_it(name: str) -> None:
    for table, sql in _as_sqlite_says(":memory:", (STRUCTURES / f"{name}.sql").read_text()):
        assert declared_table(sql) == table


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in NEVER_FOUND])
def test_tables_that_real_releases_made(name: str, shared: Path, tmp_path: Path) -> None:
    for table, sql in _as_sqlite_says(unpack_fixture(shared, name, tmp_path / "state.db")):
        assert declared_table(sql) == table


OTHERS = (
    "CREATE TABLE a(x INTEGER PRIMARY KEY AUTOINCREMENT, [y z] TEXT DEFAULT 'it''s', q)",
    'CREATE TABLE a("X" VARCHAR(20) NOT NULL UNIQUE, y REAL DEFAULT -1.5, PRIMARY KEY(x, y))',
    "CREATE TABLE a(k TEXT, v BLOB, CONSTRAINT c PRIMARY KEY(k), CHECK(v > 1)) WITHOUT ROWID",
    "CREATE TABLE a(x INT, y INT DEFAULT (1 + 2), z AS (x * 2), w AS (y) STORED, CHECK (x != y))",
    "CREATE TABLE a(x REFERENCES b(c) ON DELETE CASCADE, y TEXT COLLATE NOCASE NOT NULL) STRICT",
    "CREATE TABLE a(a, b, c, UNIQUE(a, b), FOREIGN KEY(c) REFERENCES d(e))",
)


@pytest.mark.parametrize("sql", [one for one in OTHERS if "STRICT" not in one])
def test_tables_of_other_programs(sql: str) -> None:
    (table,) = (table for table, _ in _as_sqlite_says(":memory:", sql))
    read = declared_table(sql)
    assert read is not None
    lower = tuple(replace(column, name=column.name.lower()) for column in table.columns)
    named = [(c.name.strip('"'), c.type, c.not_null, c.pk, c.hidden) for c in read.columns]
    assert named == [(c.name, c.type, c.not_null, c.pk, c.hidden) for c in lower]
    assert read.without_rowid == table.without_rowid


@pytest.mark.parametrize(
    "text",
    ["", "CREATE", "CREATE TABLE", "CREATE TABLE a(", "CREATE TABLE a()", "DROP TABLE a",
     "CREATE TABLE a(b))))", "CREATE VIRTUAL TABLE a USING fts5(b)", "CREATE TABLE a AS SELECT 1",
     "CREATE TABLE a(" + "b," * 5000 + "c)", "\0\x1b[31m", "(" * 10_000],
)  # fmt: skip
def test_no_text_is_too_odd(text: str) -> None:
    table = declared_table(text)
    assert table is None or 0 < len(table.columns) <= 2000


def test_what_stands_for_a_column_that_came_later() -> None:
    table = declared_table(
        "CREATE TABLE t(a TEXT DEFAULT 'x''y', b INTEGER DEFAULT -3, c REAL DEFAULT 0, d DEFAULT"
        " NULL, e TEXT DEFAULT 7, f INTEGER DEFAULT (1 + 1), g DEFAULT x'00ff', h INT DEFAULT TRUE)"
    )
    assert table is not None
    columns = [column for column in stored_table(table).columns if column is not None]
    assert [c.default for c in columns] == ["x'y", -3, 0.0, None, "7", None, b"\0\xff", 1]
    assert isinstance(columns[2].default, float)
    assert [c.name for c in columns if not c.came_later] == ["f"], "SQLite adds no such column"


def test_a_table_without_rowid_has_its_key_first() -> None:
    table = declared_table("CREATE TABLE t(v, b, a, PRIMARY KEY(a, b)) WITHOUT ROWID")
    assert table is not None and stored_table(table).names == ("a", "b", "v")


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("BIGINT", Affinity.INTEGER), ("CHARINT", Affinity.INTEGER), ("VARCHAR(9)", Affinity.TEXT),
     ("", Affinity.BLOB), ("DOUBLE", Affinity.REAL), ("DECIMAL(9,2)", Affinity.NUMERIC)],
)  # fmt: skip
def test_affinities(declared: str, expected: Affinity) -> None:
    assert affinity(declared) is expected


# --- Orders ---------------------------------------------------------------------------------------

UNKNOWN_NUMBERS = ("stored-46d7718a-schema31",)
"""Of which the catalogue has no structure."""


def _orders_met(shared: Path, table: str) -> Iterator[tuple[str, Order, int | None]]:
    for path in sorted((shared / "facts" / "schema").glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if table in data["tables"] and path.stem not in UNKNOWN_NUMBERS:
            names = tuple(column["name"] for column in data["tables"][table]["columns"])
            numbers = data["schema_version_rows"]
            yield path.stem, names, numbers[0] if numbers else None


@pytest.mark.parametrize(
    ("table", "with_number"),
    [
        ("messages", False),
        ("messages", True),
        ("session_model_usage", False),
        ("sessions", True),
        pytest.param("sessions", False, marks=pytest.mark.long),
    ],
)
def test_no_name_of_a_column_is_wrong(table: str, with_number: bool, shared: Path) -> None:
    """Whatever the rows show, a place is named as it was in the database, or not at all."""
    columns = {
        c.name: c for c in stored_table(hermes_tables().tables[table]).columns if c is not None
    }
    met = 0
    for name, order, number in _orders_met(shared, table):
        filled = {
            place: columns[column].allowed & ~Stored.NULL or Stored.NULL
            for place, column in enumerate(order)
        }
        for classes in ({place: filled[place] for place in range(0, len(order), 3)}, filled):
            records = Records(frozenset({len(order)}), classes)
            deduced = hermes_tables().deduce(table, records, number if with_number else None)
            named = deduced.stored.names[: len(order)]
            assert all(a in (b, None) for a, b in zip(named, order, strict=False)), name
            assert len(named) == len(order)
            met += 1
    assert met > 5


def test_every_order_that_was_met_is_known(shared: Path) -> None:
    known = hermes_tables().orders("messages")
    assert all(order in known for _, order, _ in _orders_met(shared, "messages"))


def test_the_way_of_a_database_shows_in_the_lengths_of_its_rows() -> None:
    """From 0.14.0 to 0.19.0, by all releases between, with a chat under each."""
    classes = dict.fromkeys((9, 10, 11), Stored.TEXT) | {7: Stored.REAL, 8: Stored.INTEGER}
    stepwise = hermes_tables().deduce(
        "messages", Records(frozenset({15, 17, 18, 19, 20, 21}), classes), 22
    )
    assert stepwise.stored.names[15:] == (
        "platform_message_id", "observed", "active", "compacted", "effect_disposition",
        "api_content",
    )  # fmt: skip
    at_once = hermes_tables().deduce("messages", Records(frozenset({15, 21}), classes), 22)
    assert at_once.orders > 1 and at_once.stored.names[15:17] == (None, None)


def test_rows_that_no_order_has_name_only_what_all_begin_with() -> None:
    deduced = hermes_tables().deduce("messages", Records(frozenset({99})))
    assert deduced.orders == 0 and len(deduced.stored.columns) == 99
    assert deduced.stored.names[:4] == ("id", "session_id", "role", "content")
    assert set(deduced.stored.names[7:]) == {None}


def test_the_lengths_of_sessions_are_those_of_no_other_large_table() -> None:
    shapes = known_shapes(hermes_tables())
    assert not shapes["sessions"].lengths & shapes["session_model_usage"].lengths
    assert not shapes["sessions"].lengths & shapes["async_delegations"].lengths
