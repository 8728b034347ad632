"""Rows that were written before a column was added: they read as SQLite reads them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.model.values import encode_value
from tests.homes.database import connect
from tests.salvage.faults import Damage, Original, original
from tests.salvage.stores import Store, life
from tests.salvage.test_completeness import without
from tests.salvage.test_salvaged_database import Made, salvaged

STORE = Store(sessions=4, longest=300)
COLUMNS = (
    "REAL DEFAULT 1", "INTEGER DEFAULT '5'", "TEXT DEFAULT 5", "TEXT DEFAULT 1.50",
    "NUMERIC DEFAULT '1.50'", "BLOB DEFAULT x'00ff'", "INTEGER DEFAULT TRUE", "INTEGER DEFAULT -7",
    "INTEGER DEFAULT +3", "REAL DEFAULT - 2", "REAL DEFAULT 1e3", "INTEGER DEFAULT 0x10",
    "TEXT DEFAULT 0x10", "TEXT DEFAULT 'it''s'", 'TEXT DEFAULT "Two Words"', "TEXT DEFAULT Hello",
    "TEXT DEFAULT `Back Quoted`", "TEXT DEFAULT [In Brackets]", "TEXT DEFAULT NULL", "INTEGER",
    "INTEGER DEFAULT (4)", "TEXT DEFAULT (CAST(5 AS TEXT))", "INTEGER DEFAULT 9223372036854775807",
    "INTEGER DEFAULT 9223372036854775808", "DATETIME DEFAULT '2020-01-01'", "DATETIME DEFAULT '12'",
    "BOOLEAN DEFAULT FALSE", "DEFAULT '7'", "TEXT DEFAULT 'Ünïcode'",
    "TEXT /* DEFAULT 'x' */ DEFAULT 'y'", "INTEGER NOT NULL DEFAULT 7", "STRING DEFAULT '0012'",
)  # fmt: skip


def mine(path: Path, *statements: str) -> Original:
    """Return a store with a table of its own, made by some statements."""
    path.write_bytes(life(STORE).newer)
    with closing(connect(path)) as db:
        for statement in statements:
            db.execute(statement)
    return original(path.read_bytes())


def after(made: Original, folder: Path) -> Made:
    """Salvage it with a page of an index gone."""
    gone = made.of("sqlite_autoindex_sessions_1", "leaf")[0]
    return salvaged(Damage(without(made, gone), frozenset({gone}), original=made), folder)


def assert_same(made: Original, result: Made) -> None:
    for rowid, row in result.rows("mine").items():
        truth = made.rows["mine"][rowid]
        assert {name: encode_value(value) for name, value in row.items()} == {
            name: encode_value(value) for name, value in truth.items()
        }
    assert result.rows("mine").keys() == made.rows["mine"].keys()


def test_a_default_reads_as_sqlite_reads_it(tmp_path: Path) -> None:
    made = mine(
        tmp_path / "whole.db",
        "CREATE TABLE mine (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO mine (a) VALUES ('one'), ('two')",
        *(f"ALTER TABLE mine ADD COLUMN c{n} {text}" for n, text in enumerate(COLUMNS)),
    )
    result = after(made, tmp_path)
    assert_same(made, result)
    assert result.ledger.table("mine").complete


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 37), reason="STRICT is newer")
def test_a_strict_table_converts_no_default(tmp_path: Path) -> None:
    made = mine(
        tmp_path / "whole.db",
        "CREATE TABLE mine (id INTEGER PRIMARY KEY, a ANY) STRICT",
        "INSERT INTO mine (a) VALUES ('007'), (7)",
        "ALTER TABLE mine ADD COLUMN b ANY DEFAULT '5'",
    )
    assert_same(made, after(made, tmp_path))


@pytest.mark.parametrize("default", ["CURRENT_TIMESTAMP", "(1 + 2)", "(abs(-3))"])
def test_a_column_that_cannot_have_come_later_is_in_doubt(default: str, tmp_path: Path) -> None:
    """SQLite adds no such column to a table with rows: its schema is of another moment."""
    made = mine(
        tmp_path / "whole.db",
        "CREATE TABLE mine (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO mine (a) VALUES ('one')",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE TABLE mine (id INTEGER PRIMARY KEY, a TEXT,"
        f" b DEFAULT {default})' WHERE name = 'mine'",
    )
    table = after(made, tmp_path).ledger.table("mine")
    assert table.marked == {"no_default": 1} and not table.complete
    assert table.read == 1


def test_generated_columns_are_made_again(tmp_path: Path) -> None:
    """A stored one lies in the record, and the new table makes it itself."""
    made = mine(
        tmp_path / "whole.db",
        "CREATE TABLE mine (id INTEGER PRIMARY KEY, a INT, b INT GENERATED ALWAYS AS (a * 2)"
        " STORED, c TEXT, d INT AS (a + 1) VIRTUAL, e TEXT)",
        "INSERT INTO mine (a, c, e) VALUES (1, 'c1', 'e1'), (2, 'c2', 'e2')",
        "ALTER TABLE mine ADD COLUMN f TEXT DEFAULT 'later'",
    )
    result = after(made, tmp_path)
    assert_same(made, result)
    assert result.ledger.complete and not result.ledger.changed
