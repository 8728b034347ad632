"""What was deleted stays deleted where the page that listed its free pages is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.app.salvage import reading
from hermes_repair.salvage import Bundle
from tests.homes.database import connect
from tests.salvage.stores import Store, life

DELETED = range(200, 901)


@pytest.mark.parametrize("shape", ["06", "11", "22"])
def test_a_lost_list_of_free_pages_revives_nothing(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(life(Store(shapes=(shape,), sessions=60, longest=3000)).newer)
    with connect(path) as db:
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("DELETE FROM messages WHERE id BETWEEN ? AND ?", (DELETED[0], DELETED[-1]))
        db.commit()
        kept = [id for (id,) in db.execute("SELECT id FROM messages ORDER BY id")]
        (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    data = bytearray(path.read_bytes())
    trunk = int.from_bytes(data[32:36], "big")
    assert trunk, "nothing was freed"
    data[(trunk - 1) * size : trunk * size] = bytes(size)
    path.write_bytes(data)
    with reading(Bundle(path, None, None), lambda _: None, 0.0) as salvage:
        made = salvage.make(tmp_path / "new.db")
    assert not made.ledger.complete
    with connect(made.database) as new:
        assert [id for (id,) in new.execute("SELECT id FROM messages ORDER BY id")] == kept
    new.close()
