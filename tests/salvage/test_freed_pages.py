"""What was deleted stays deleted where the page that listed its free pages is damaged."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hermes_repair.app.salvage import reading
from hermes_repair.salvage import Bundle
from tests.homes.database import connect
from tests.salvage.faults import SECTOR, Damage, Original, original
from tests.salvage.judge import judge, salvage
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


@cache
def with_free_pages(shape: str, page_size: int) -> Original:
    """Return a database of which messages were deleted by an SQLite that leaves their bytes."""
    with TemporaryDirectory(prefix="salvage-freed-") as folder:
        path = Path(folder) / "state.db"
        store = Store((shape,), page_size, sessions=60, longest=3000)
        path.write_bytes(life(store).newer)
        with connect(path) as db:
            db.execute("PRAGMA secure_delete = OFF")
            db.execute("DELETE FROM messages WHERE id BETWEEN ? AND ?", (DELETED[0], DELETED[-1]))
            db.commit()
        db.close()
        return original(path.read_bytes())


@pytest.mark.parametrize("also", ["nothing", "page 1", "the root"])
@pytest.mark.parametrize("gone", [SECTOR, None], ids=["its first sector", "all of it"])
@pytest.mark.parametrize(
    ("shape", "page_size"),
    [
        ("06", 65536),
        *(
            pytest.param(shape, size, marks=pytest.mark.long)
            for shape in ("06", "11", "22", "30")
            for size in (512, 4096, 65536)
        ),
    ],
)
def test_what_may_have_been_deleted_is_marked(
    shape: str, page_size: int, gone: int | None, also: str
) -> None:
    """The trunk of the free pages is lost, and what tells which pages messages have."""
    made = with_free_pages(shape, page_size)
    trunk = int.from_bytes(made.data[32:36], "big")
    changed = {trunk: gone or page_size}
    if also == "page 1":
        changed[1] = page_size
    elif also == "the root":
        (root,) = [p.number for p in made.pages.values() if (p.tree, p.path) == ("messages", "/")]
        changed[root] = page_size
    data = bytearray(made.data)
    for page, size in changed.items():
        data[(page - 1) * page_size : (page - 1) * page_size + size] = bytes(size)
    damage = Damage(bytes(data), frozenset(changed), original=made)
    verdict = judge(damage, salvage(damage))
    assert not +verdict.revived_unmarked and not +verdict.unmarked
    assert +verdict.missing == +verdict.unassigned
