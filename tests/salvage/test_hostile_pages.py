"""Bytes that no release wrote: salvage reads what there is, and never fails for what they are."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.hostile import try_many
from hermes_repair.salvage.salvaged_rows import rows
from hermes_repair.salvage.search_copy import copied_messages
from hermes_repair.salvage.witnesses import Witnesses
from tests.salvage.faults import Damage, original
from tests.salvage.judge import opened
from tests.salvage.stores import Store, life

STORES = [
    Store(shapes, page_size, sessions=4, longest=4000)
    for shapes, page_size in ((("22",), 512), (("11", "22"), 1024), (("30",), 2048), (("06",), 512))
]
BYTES = (0, 0xFF, 0x0D, 0x05, 0x2C)


def read_all(number: int) -> None:
    """Change some bytes anywhere, and read all that salvage reads."""
    random = Random(number)
    made = original(life(random.choice(STORES)).newer)
    data = bytearray(made.data)
    for _ in range(random.choice((1, 10, 200, 3000))):
        data[random.randrange(100, len(data))] = random.choice((*BYTES, random.randrange(256)))
    with opened(Damage(bytes(data), frozenset(), original=made)) as (image, assignment):
        witnesses = Witnesses(image, assignment)
        read: set[int] = set()
        for table in assignment.tables:
            for row in rows(image, assignment, table, witnesses):
                read |= {row.rowid or 0} if table == "messages" else set()
            witnesses.covered(table)
            assert witnesses.highest(table) >= 0
        lost = list(witnesses.lost("messages", read))
        assert len(list(copied_messages(image, assignment, lost))) == len(lost)


@pytest.mark.parametrize("number", [*range(20), 156, 177, 827])
def test_changed_bytes(number: int) -> None:
    """156 and 177: damaged names in the schema; 827: a CREATE TABLE with fewer columns."""
    read_all(number)


def test_hostile_files() -> None:
    """As ``python -m benchmarks.hostile 0 100000`` tries them."""
    for tried in try_many(0, 40):
        assert not tried.bad


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 10_000, 500))
def test_many_hostile_files(first: int) -> None:
    for tried in try_many(first, 500):
        assert not tried.bad
