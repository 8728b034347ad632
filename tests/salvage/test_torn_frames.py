"""A torn frame of a -wal: nothing that was undone or deleted comes back as if it were today's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest

from hermes_repair.salvage.row_marks import Mark
from hermes_repair.salvage.salvaged_rows import Refusal
from tests.homes.database import columns_of, connect
from tests.salvage.faults import FRAME_HEADER, WAL_HEADER, Damage, original
from tests.salvage.judge import Salvaged, salvage, wrong_columns
from tests.salvage.stores import Life, Store, life

Tear: TypeAlias = Callable[[Random, bytes], bytes]


def noise(random: Random, page: bytes) -> bytes:
    half = len(page) // 2
    return page[:half] + random.randbytes(half)


def a_sector(random: Random, page: bytes) -> bytes:
    at = random.randrange(0, len(page), 512)
    return page[:at] + random.randbytes(512) + page[at + 512 :]


def zeros(random: Random, page: bytes) -> bytes:
    at = random.randrange(0, len(page), 512)
    return page[:at] + bytes(len(page) - at)


def a_bit(random: Random, page: bytes) -> bytes:
    """A low bit of a word: a high one may be of several words."""
    at = 4 * random.randrange(len(page) // 4)
    return page[:at] + bytes([page[at] ^ 1 << random.randrange(8)]) + page[at + 1 :]


@cache
def undone_since(store: Store) -> Life:
    """Return a database whose -wal alone says that turns were undone, and a chat was deleted."""
    with TemporaryDirectory(prefix="salvage-torn-") as folder:
        path = Path(folder) / "state.db"
        path.write_bytes(life(store).newer)
        with closing(connect(path)) as db:
            db.execute("PRAGMA secure_delete=OFF")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA wal_autocheckpoint=0")
            chats = db.execute("SELECT id FROM sessions ORDER BY started_at DESC").fetchall()
            for number, (chat,) in enumerate(chats[:12]):
                if number % 4 == 3:
                    db.execute("DELETE FROM messages WHERE session_id = ?", (chat,))
                    db.execute("DELETE FROM sessions WHERE id = ?", (chat,))
                elif "active" in columns_of(db, "messages"):
                    last = "id IN (SELECT id FROM messages WHERE session_id = ?1 ORDER BY id DESC"
                    db.execute(f"UPDATE messages SET active = 0 WHERE {last} LIMIT 4)", (chat,))
                db.execute("UPDATE sessions SET title = title || '!' WHERE id = ?", (chat,))
            before, wal = path.read_bytes(), Path(f"{path}-wal").read_bytes()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            db.execute("PRAGMA journal_mode=DELETE").fetchall()
        return Life(before, path.read_bytes(), before, wal)


def torn(random: Random, lived: Life, tear: Tear, tree: str) -> Damage:
    """Tear the last image of a page of a tree."""
    made = original(lived.newer)
    size = FRAME_HEADER + made.page_size
    frames = list(range(WAL_HEADER, len(lived.wal) - size + 1, size))
    last = {int.from_bytes(lived.wal[at : at + 4], "big"): at for at in frames}
    page = random.choice([n for n in last if n in made.of(tree, "leaf") and last[n] != frames[-1]])
    at = last[page] + FRAME_HEADER
    end = at + made.page_size
    wal = lived.wal[:at] + tear(random, lived.wal[at:end]) + lived.wal[end:]
    return Damage(lived.before, frozenset([page]), wal, original=made)


def wrong(damage: Damage, found: Salvaged, table: str) -> dict[int, frozenset[str]]:
    """Return the columns of rows that are not as they were; the table has no row that was not."""
    truth, read = damage.original.rows[table], found.rows[table]
    assert read.keys() <= truth.keys(), "deleted rows are back"
    columns = {rowid: wrong_columns(truth[rowid], row.values) for rowid, row in read.items()}
    return {rowid: names for rowid, names in columns.items() if names}


@pytest.mark.parametrize("tear", [noise, a_sector, zeros, a_bit])
@pytest.mark.parametrize("shape", ["11", "16", "25", "30"])
def test_no_message_is_of_an_older_state(shape: str, tear: Tear) -> None:
    lived = undone_since(Store((shape,), sessions=24))
    earlier = original(lived.before).places["messages"]
    for seed in range(4):
        damage = torn(Random(seed), lived, tear, "messages")
        found = salvage(damage)
        assert not wrong(damage, found, "messages")
        lost = damage.original.rows["messages"].keys() - found.rows["messages"].keys()
        assert lost == {one.rowid for one in found.lost}
        assert not any(earlier[rowid].leaf in damage.hit for rowid in lost), "it lay there before"


@pytest.mark.parametrize("tear", [noise, a_sector])
@pytest.mark.parametrize("shape", ["13", "30"])
def test_a_session_of_an_older_state_has_the_title_of_today(shape: str, tear: Tear) -> None:
    for seed in range(4):
        damage = torn(Random(seed), undone_since(Store((shape,), sessions=24)), tear, "sessions")
        found = salvage(damage)
        assert not wrong(damage, found, "sessions")
        assert found.rows["sessions"].keys() == damage.original.rows["sessions"].keys()


def test_what_was_undone_stays_undone_and_says_so() -> None:
    lived = undone_since(Store(("16",), sessions=24))
    damage = torn(Random(1), lived, noise, "messages")
    rows = salvage(damage).rows["messages"].values()
    corrected = [row for row in rows if Mark.CORRECTED in row.marks]
    assert corrected and all(row.values["active"] == 0 for row in corrected)
    assert all(row.marks for row in rows if row.page in damage.hit)


def test_what_was_deleted_is_set_aside() -> None:
    store = Store(("11",), sessions=24)
    refused = [
        salvage(torn(Random(seed), undone_since(store), zeros, "messages")).refused
        for seed in range(6)
    ]
    assert any(one["messages", Refusal.OUTDATED] for one in refused)


@pytest.mark.parametrize("shape", ["11", "25"])
def test_a_page_that_has_no_earlier_image_gives_what_witnesses_have(shape: str) -> None:
    """A third of the messages are in the -wal alone: half of such a page can still be read."""
    read = 0
    for seed in range(6):
        damage = torn(Random(seed), life(Store((shape,), sessions=24)), noise, "messages")
        found = salvage(damage)
        assert not wrong(damage, found, "messages")
        truth = damage.original.rows["messages"]
        lost = truth.keys() - found.rows["messages"].keys()
        assert lost <= {one.rowid for one in found.lost}
        read += sum(Mark.TORN_PAGE in row.marks for row in found.rows["messages"].values())
    assert read


def test_a_bit_that_fell_over_leaves_no_doubt() -> None:
    damage = torn(Random(3), undone_since(Store(("16",), sessions=24)), a_bit, "messages")
    found = salvage(damage)
    assert not any(row.marks for row in found.rows["messages"].values())
    assert found.rows["messages"].keys() == damage.original.rows["messages"].keys()


@pytest.mark.parametrize("shape", ["16", "30"])
@pytest.mark.parametrize("lost", [("messages", "idx_messages", "messages_fts"), ("sessions",)])
def test_what_was_deleted_is_marked_where_no_frame_is_left_to_say_so(
    shape: str, lost: tuple[str, ...]
) -> None:
    """Headers are gone too: then the older page and an older index agree with each other."""
    lived = undone_since(Store((shape,), sessions=24))
    made = original(lived.newer)
    size = FRAME_HEADER + made.page_size
    frames = range(WAL_HEADER, len(lived.wal) - size + 1, size)
    wal, hit = bytearray(lived.wal), set()
    for at in frames[:-1]:
        page = int.from_bytes(wal[at : at + 4], "big")
        if page in made.pages and made.pages[page].tree.startswith(lost):
            wal[at : at + size] = bytes(size)
            hit.add(page)
    damage = Damage(lived.before, frozenset(hit), bytes(wal), original=made)
    found = salvage(damage)
    for table in ("messages", "sessions"):
        truth = made.rows[table]
        for rowid, row in found.rows[table].items():
            assert row.marks or truth.get(rowid) == row.values, (table, rowid)
    if lost[0] == "messages":
        assert found.rows["messages"].keys() - made.rows["messages"].keys()
