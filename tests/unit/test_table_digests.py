"""The digest of a table says what it stores, and works nothing out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hermes_repair.store.table_digests import table_digests


def made(path: Path, *statements: str) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    return table_digests(path)


def test_generated_columns_are_not_worked_out(tmp_path: Path) -> None:
    """An expression of somebody else's may ask for a gigabyte in every row, or for hours."""
    hostile = "b AS (length(hex(zeroblob(400000000)))), c AS (a + 1) STORED"
    digests = made(
        tmp_path / "a.db", f"CREATE TABLE t (a, {hostile})", "INSERT INTO t VALUES (1), (2)"
    )
    plain = made(tmp_path / "b.db", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1), (2)")
    assert digests == plain


def test_a_value_or_a_column_more_is_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    first = made(path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    second = made(path, "UPDATE t SET a = '1'")
    assert first != second != made(path, "ALTER TABLE t ADD COLUMN d")
