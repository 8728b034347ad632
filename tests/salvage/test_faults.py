"""The judge is judged: what the faults say of a file is what SQLite does with it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.salvage.faults import FAULTS, Fault, original, undamaged, untouched, whole_cells
from tests.salvage.stores import Store, life

SMALL = Store(page_size=1024, sessions=12)


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_a_row_lies_where_it_is_said_to_lie(page_size: int, tmp_path: Path) -> None:
    """A leaf of zeros takes the rows that are said to be on it and no other."""
    made = original(life(Store(page_size=page_size, sessions=12)).newer)
    leaf = Random(4).choice(made.of("messages", "leaf"))
    data = bytearray(made.data)
    data[(leaf - 1) * page_size : leaf * page_size] = bytes(page_size)
    path = tmp_path / "state.db"
    path.write_bytes(data)
    gone = set()
    with closing(sqlite3.connect(path)) as db:
        for rowid in made.rows["messages"]:
            try:
                db.execute("SELECT * FROM messages WHERE id = ?", (rowid,)).fetchall()
            except sqlite3.DatabaseError:
                gone.add(rowid)
    assert gone == {rowid for rowid, at in made.places["messages"].items() if at.leaf == leaf}


@pytest.mark.parametrize("fault", [one for one in FAULTS if one is not undamaged])
def test_a_fault_changes_bytes_and_leaves_rows(fault: Fault) -> None:
    damage = fault(Random(2), life(SMALL))
    made = damage.original
    size = made.page_size
    before = life(SMALL).before if damage.wal is not None else made.data
    changed = {
        page
        for page in range(1, len(made.data) // size + 1)
        if damage.main[(page - 1) * size : page * size] != before[(page - 1) * size : page * size]
    }
    if damage.wal is None:
        assert changed == damage.hit != set()
    else:
        assert not changed and damage.wal != life(SMALL).wal
    assert untouched(damage, "messages")
    assert untouched(damage, "messages") <= whole_cells(damage, "messages")
