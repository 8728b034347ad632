"""Every fault, in databases of every shape: what must be read is read, and what is wrong is marked.

What must be there is said by SQLite's ``dbstat`` on the healthy file, never by our own reader.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hermes_repair.salvage.assignment import ColumnsFrom
from hermes_repair.salvage.salvaged_rows import SalvagedRow
from hermes_repair.salvage.search_copy import copied_messages
from hermes_repair.salvage.witnesses import Witnesses
from tests.homes.database import connect
from tests.salvage.faults import (
    EXACT,
    FAULTS,
    Damage,
    Fault,
    first_page,
    interior_page,
    original,
    overflow_noise,
    overflow_zeroed,
    stale_page,
    torn_sector,
    undamaged,
    wal_frame_torn,
    wal_page_torn,
    zeroed_range,
    zeroed_sector,
)
from tests.salvage.judge import Verdict, judge, opened, salvage
from tests.salvage.stores import SHOWN, Store, life

AT_ROWS: tuple[Fault, ...] = (
    overflow_noise, overflow_zeroed, stale_page, torn_sector, zeroed_sector
)  # fmt: skip
"""Faults that leave the indexes and the search copy alone."""

NAMED = {
    "messages": {"id", "session_id", "role", "content", "tool_calls", "tool_name", "timestamp"},
    "sessions": {"id", "source", "model", "parent_session_id", "started_at", "title"},
}
"""Columns that no upgrade puts in a place that could be another one's."""

FEW = (
    Store(sessions=12),
    Store(("11", "13", "16", "22"), 1024, "UTF-16le", auto_vacuum=1, sessions=14, deleted=True),
    Store(("06",), sessions=12),
)
MANY = (
    Store(("01",)),
    Store(("06",), 512),
    Store(("08", "14"), 16384),
    Store(("11",), 1024),
    Store(("10",), 2048),
    Store(("10b",), 512, "UTF-16be"),
    Store(("10b",)),
    Store(("13", "14", "19"), 1024, "UTF-16le", auto_vacuum=2),
    Store(("16",), 2048, "UTF-16be", auto_vacuum=1),
    Store(("20a",), 8192, deleted=True),
    Store(("11", "22"), 4096, deleted=True),
    Store(("11", "13", "14", "16", "17", "19", "22"), 8192, auto_vacuum=2),
    Store(("22",), 32768, "UTF-16le"),
    Store(("22",), 65536),
    Store(("25",), 4096),
    Store(("30",), 1024, auto_vacuum=2),
    Store(("30",), 32768),
)


def check(fault: Fault, store: Store, seed: int) -> None:
    damage = fault(Random(seed), life(store))
    check_verdict(fault, judge(damage, salvage(damage)))


def check_verdict(fault: Fault, verdict: Verdict) -> None:
    """Hold what was salvaged after a fault to what must be, whatever the database."""
    assert +verdict.missing == +verdict.unassigned, "what was whole and is not there"
    assert not +verdict.revived_unmarked and not +verdict.unmarked, "what is wrong and not marked"
    assert not verdict.lost_false, "ids that are said to be lost and never were"
    if fault in EXACT:
        assert not +verdict.revived
        # Where the last image of a page of sessions is torn there is an older one, and it is
        # marked: of their counts no index says what they are today.
        wrong = +verdict.wrong
        torn = fault in (wal_frame_torn, wal_page_torn)
        assert not wrong or (torn and wrong.keys() == {"sessions"})
        assert not +verdict.uncovered
    if fault in (*EXACT, *AT_ROWS):
        assert not +verdict.false_marks, "marks against rows that are right"
    if fault in AT_ROWS:
        assert verdict.lost_proven == verdict.lost
    assert not +verdict.missing or fault is first_page


@pytest.mark.parametrize("store", FEW, ids=str)
@pytest.mark.parametrize("fault", FAULTS)
def test_rows_of_a_damaged_database(fault: Fault, store: Store) -> None:
    check(fault, store, seed=3)


@pytest.mark.long
@pytest.mark.parametrize(("seed", "chats"), [(0, 1), (1, 1), (2, 1), (3, 1), (2, 2)])
@pytest.mark.parametrize("store", MANY, ids=str)
@pytest.mark.parametrize("fault", FAULTS)
def test_rows_of_many_databases(fault: Fault, store: Store, seed: int, chats: int) -> None:
    check(fault, replace(store, seed=chats), seed)


@pytest.mark.parametrize("fault", [undamaged, interior_page, first_page, zeroed_range])
def test_deleted_rows_stay_deleted(fault: Fault) -> None:
    """Without secure_delete the bytes of deleted chats are all there, on free pages."""
    damage = fault(Random(1), life(Store(sessions=20, deleted=True)))
    salvaged = salvage(damage)
    assert salvaged.rows["messages"].keys() <= damage.original.rows["messages"].keys()
    assert salvaged.rows["sessions"].keys() <= damage.original.rows["sessions"].keys()


def test_the_number_of_an_upgraded_database() -> None:
    damage = undamaged(Random(1), life(Store(("11", "13", "22"), sessions=9)))
    assignment = salvage(damage).assignment
    assert (assignment.number, assignment.upgraded) == (22, True)
    assert {one.columns_from for one in assignment.tables.values()} == {ColumnsFrom.SCHEMA}


@pytest.mark.parametrize("shapes", [("22",), ("11", "22"), ("13", "14", "19"), ("08", "14")])
def test_columns_whose_schema_is_gone(shapes: tuple[str, ...]) -> None:
    """On pages of 64 KiB the whole schema stands on page 1. What is named is right."""
    damage = first_page(Random(1), life(Store(shapes, 65536, sessions=20)))
    salvaged = salvage(damage)
    assert salvaged.assignment.number == int(shapes[-1])
    for table in ("messages", "sessions"):
        truth = damage.original.rows[table]
        read = salvaged.rows[table]
        assert read.keys() == truth.keys()
        named = next(iter(read.values())).values.keys()
        assert NAMED[table] <= named <= next(iter(truth.values())).keys()
        assert salvaged.assignment.tables[table].columns_from is not ColumnsFrom.SCHEMA


@pytest.mark.parametrize("shapes", [("11",), ("11", "22"), ("25-upgraded",)])
def test_messages_that_only_the_search_copy_has(shapes: tuple[str, ...]) -> None:
    """Every leaf of messages is gone. What is made of the copy is what was there, or a part."""
    store = life(Store(shapes, sessions=12))
    made = original(store.newer)
    data = bytearray(made.data)
    for page in made.of("messages", "leaf"):
        data[(page - 1) * made.page_size : page * made.page_size] = bytes(made.page_size)
    damage = Damage(bytes(data), frozenset(made.of("messages", "leaf")), original=made)
    with opened(damage) as (image, assignment):
        lost = list(Witnesses(image, assignment).lost("messages", ()))
        found = list(copied_messages(image, assignment, lost))
    truth = made.rows["messages"]
    assert sorted(one.rowid or 0 for one in found) == sorted(truth)
    whole = [one for one in found if isinstance(one, SalvagedRow)]
    assert {truth[one.rowid or 0]["role"] for one in whole} == {"assistant", "tool"}
    for one in found:
        known = one.values if isinstance(one, SalvagedRow) else one.known
        row = dict(truth[one.rowid or 0])
        row["content"] = row["content"] or ""  # absent and empty look alike in the copy
        assert known.items() <= row.items()
        assert {"session_id", "timestamp", "content"} <= known.keys()
        assert isinstance(one, SalvagedRow) or str(one.text).startswith(str(row["content"]))
    calls = sum(row["tool_calls"] is not None for row in truth.values())
    tools = sum(row["tool_name"] is not None for row in truth.values())
    assert len(whole) == calls + tools


@pytest.mark.parametrize("shown_is_known", [True, False])
def test_a_lost_message_that_was_undone_does_not_come_back(
    shown_is_known: bool, tmp_path: Path
) -> None:
    """`/undo` only hides a message. One of which no index says so is no row of the new database."""
    path = tmp_path / "state.db"
    path.write_bytes(life(Store(("22",), sessions=12)).newer)
    with closing(connect(path)) as db:
        db.execute("UPDATE messages SET active = 0 WHERE id % 2 = 0")
    made = original(path.read_bytes())
    gone = {*made.of("messages", "leaf")}
    if not shown_is_known:
        gone |= {*made.of(SHOWN, "leaf"), *made.of(SHOWN, "internal")}
    data = bytearray(made.data)
    for page in gone:
        data[(page - 1) * made.page_size : page * made.page_size] = bytes(made.page_size)
    with opened(Damage(bytes(data), frozenset(gone), original=made)) as (image, assignment):
        lost = list(Witnesses(image, assignment).lost("messages", ()))
        found = list(copied_messages(image, assignment, lost))
    rows = [one for one in found if isinstance(one, SalvagedRow)]
    assert bool(rows) == shown_is_known and len(found) == len(made.rows["messages"])
    for one in rows:
        assert one.values["active"] == made.rows["messages"][one.rowid or 0]["active"]
    for row in lost:
        undone = made.rows["messages"][row.rowid]["active"] == 0
        assert row.hidden is (undone if shown_is_known else None)
