"""The databases of Hermes beside state.db, damaged: by their own schema, else by the known one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from hermes_repair.salvage.assignment import ColumnsFrom
from hermes_repair.salvage.column_orders import side_store_tables
from hermes_repair.salvage.stored_table import Stored, StoredColumn, stored_table
from hermes_repair.schema import catalogue_root
from tests.salvage.faults import Fault, first_page, random_pages, truncated, undamaged, zeroed_range
from tests.salvage.judge import judge, salvage
from tests.salvage.stores import Life, say

STORES = ("kanban.db", "memory_store.db", "response_store.db", "executions.db", "projects.db")
SCRIPTS = catalogue_root() / "db" / "side_stores"
UNTOLD = {"task_links", "conversations", "project_meta", "sqlite_sequence"}
"""Tables of two texts: several are of that kind, or nothing else tells."""


@cache
def filled(store: str, page_size: int) -> Life:
    """Return a database of a store as its newest release makes it, with rows in every table."""
    random = Random(store)
    script = max((SCRIPTS / store.removesuffix(".db")).glob("*.sql"))
    with TemporaryDirectory(prefix="salvage-side-") as folder:
        path = Path(folder) / store
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA page_size={page_size}")
            db.executescript(script.read_text(encoding="utf-8"))
            for name, table in side_store_tables(store).tables.items():
                columns = [c for c in stored_table(table).columns if c is not None]
                own = [c for c in columns if c.allowed != Stored.NULL]
                marks = ", ".join("?" * len(own))
                names = ", ".join(column.name for column in own)
                db.executemany(
                    f"INSERT INTO {name} ({names}) VALUES ({marks})",
                    [[_value(random, column, row) for column in own] for row in range(400)],
                )
            db.commit()
        data = path.read_bytes()
    return Life(data, data, data, b"")


def _value(random: Random, column: StoredColumn, row: int) -> object:
    if column.name == "status":
        return random.choice(("completed", "failed"))
    if column.allowed & Stored.NULL and random.random() < 0.3:
        return None
    if column.allowed & Stored.TEXT:
        return f"{say(random, random.choice((1, 6)))} {row}"
    if column.allowed & Stored.REAL:
        return row + random.choice((0.0, 0.5))
    return row


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("fault", [undamaged, random_pages, zeroed_range, truncated, first_page])
def test_a_store_whose_schema_is_left(store: str, fault: Fault) -> None:
    damage = fault(Random(3), filled(store, 512))
    verdict = judge(damage, salvage(damage, side_store_tables(store)))
    assert +verdict.missing == +verdict.unassigned
    assert not +verdict.wrong and not +verdict.revived


@pytest.mark.parametrize("store", STORES)
def test_a_store_whose_schema_is_gone(store: str) -> None:
    """On pages of 64 KiB the whole schema stands on page 1."""
    damage = first_page(Random(3), filled(store, 65536))
    salvaged = salvage(damage, side_store_tables(store))
    verdict = judge(damage, salvaged)
    assert not +verdict.wrong and not +verdict.revived
    assert (+verdict.missing).keys() <= UNTOLD
    for table in salvaged.assignment.tables.values():
        assert table.columns_from is not ColumnsFrom.SCHEMA


def test_tables_of_state_db_are_not_looked_for_in_another() -> None:
    damage = first_page(Random(3), filled("projects.db", 65536))
    named = salvage(damage, side_store_tables("projects.db")).assignment.tables
    assert named.keys() <= side_store_tables("projects.db").tables.keys() | {"sqlite_sequence"}
    assert not side_store_tables("nobody_knows.db").tables
