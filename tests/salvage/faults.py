"""What befalls the bytes of a database, and which rows SQLite says lie on what it left alone.

A fault takes the life of a database and gives a :class:`Damage`. What can still be read of it is
said by :func:`untouched`: the rows whose leaf and overflow pages, by the ``dbstat`` of SQLite on
the healthy file, are those that were not hit. :func:`whole_cells` adds the rows of a page that was
hit in another place. No reader of ours has a part in either.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeAlias

import apsw

from hermes_repair.model.values import Value
from tests.homes.database import connect
from tests.salvage.stores import Life

SECTOR = 512
WAL_HEADER, FRAME_HEADER = 32, 24
FILE_HEADER = 100
OVERFLOW = re.compile(r"(?P<leaf>.*/)(?P<cell>[0-9a-f]+)\+(?P<number>[0-9a-f]+)")
WITH_ROWID = "SELECT name FROM pragma_table_list WHERE type IN ('table', 'shadow') AND NOT wr"

Rows: TypeAlias = Mapping[int, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page by ``dbstat``: the tree that it is of, and ``internal``, ``leaf`` or ``overflow``."""

    number: int
    tree: str
    path: str
    kind: str
    cells: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row lies: the leaf, the number of its cell, the pages that its end runs over."""

    leaf: int
    cell: int
    overflow: tuple[int, ...] = ()

    @property
    def pages(self) -> frozenset[int]:
        return frozenset((self.leaf, *self.overflow))


@dataclass(frozen=True, slots=True)
class Original:
    """A healthy main file: its pages, the rows of every table by rowid, and where each lies."""

    data: bytes
    page_size: int
    pages: Mapping[int, Page]
    rows: Mapping[str, Rows]
    places: Mapping[str, Mapping[int, Place]]

    def page(self, number: int) -> bytes:
        """Return the bytes of a page."""
        return self.data[(number - 1) * self.page_size : number * self.page_size]

    def of(self, tree: str, kind: str) -> list[int]:
        """Return the pages of one kind of a tree, in the order of the tree."""
        found = [one for one in self.pages.values() if one.tree == tree and one.kind == kind]
        return [one.number for one in sorted(found, key=lambda one: one.path)]


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged bundle. ``hit`` are the pages that are not, laid over, what they were."""

    main: bytes
    hit: frozenset[int]
    wal: bytes | None = None
    journal: bytes | None = None
    original: Original = field(repr=False, kw_only=True)

    def write(self, folder: Path, name: str = "state.db") -> Path:
        """Write main file and side files, and return the former."""
        path = folder / name
        path.write_bytes(self.main)
        for suffix, data in (("-wal", self.wal), ("-journal", self.journal)):
            if data is not None:
                Path(f"{path}{suffix}").write_bytes(data)
        return path


Fault: TypeAlias = Callable[[Random, Life], Damage]


@cache
def original(data: bytes) -> Original:
    """Ask SQLite about a healthy main file."""
    with TemporaryDirectory(prefix="salvage-original-") as folder:
        path = Path(folder) / "state.db"
        path.write_bytes(data)
        pages = {page.number: page for page in _pages(path)}
        with closing(connect(path)) as db:
            (page_size,) = db.execute("PRAGMA page_size").fetchone()
            rows = {name: _rows(db, name) for (name,) in db.execute(WITH_ROWID).fetchall()}
    places = {table: _places(table, list(rows[table]), pages) for table in rows}
    return Original(data, page_size, pages, rows, places)


def _rows(db: sqlite3.Connection, table: str) -> Rows:
    rows = db.execute(f'SELECT rowid, * FROM "{table}" ORDER BY rowid')
    columns = [column for column, *_ in rows.description[1:]]
    return {rowid: dict(zip(columns, values, strict=True)) for rowid, *values in rows}


def _pages(path: Path) -> Iterator[Page]:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        for number, tree, place, kind, cells in db.execute(
            "SELECT pageno, name, path, pagetype, ncell FROM dbstat"
        ):
            yield Page(int(number), str(tree), str(place), str(kind), int(cells))
    finally:
        db.close()


def _places(table: str, rowids: list[int], pages: Mapping[int, Page]) -> dict[int, Place]:
    """Give the rows of a table, in the order of their rowids, to its leaves in theirs."""
    own = sorted((page for page in pages.values() if page.tree == table), key=lambda one: one.path)
    overflow: dict[tuple[str, int], list[int]] = {}
    for page in own:
        if page.kind == "overflow" and (match := OVERFLOW.fullmatch(page.path)):
            overflow.setdefault((match["leaf"], int(match["cell"], 16)), []).append(page.number)
    cells = (
        Place(page.number, cell, tuple(overflow.get((page.path, cell), ())))
        for page in own
        if page.kind == "leaf"
        for cell in range(page.cells)
    )
    return dict(zip(rowids, cells, strict=True))


def untouched(damage: Damage, table: str) -> frozenset[int]:
    """Return the rowids of a table of which every page is as it was."""
    places = damage.original.places.get(table, {})
    return frozenset(rowid for rowid, place in places.items() if not place.pages & damage.hit)


def whole_cells(damage: Damage, table: str) -> frozenset[int]:
    """Return the rowids of a table whose bytes are as they were, on pages that were hit as well.

    The head of the page, the pointer to the cell, and the cell must be unchanged; so must every
    overflow page.
    """
    found = set(untouched(damage, table))
    for rowid, place in damage.original.places.get(table, {}).items():
        if place.leaf in damage.hit and not set(place.overflow) & damage.hit:
            before = damage.original.page(place.leaf)
            start = (place.leaf - 1) * damage.original.page_size
            after = damage.main[start : start + damage.original.page_size]
            if damage.wal is None and all(
                before[part] == after[part] for part in _bytes_of_cell(damage.original, place)
            ):
                found.add(rowid)
    return frozenset(found)


def _bytes_of_cell(made: Original, place: Place) -> Iterator[slice]:
    """Yield the parts of a leaf of a table that say one cell (fileformat2, 1.6)."""
    page = made.page(place.leaf)
    head = FILE_HEADER if place.leaf == 1 else 0
    usable = made.page_size - made.data[20]
    yield slice(head, head + 8)
    pointer = head + 8 + 2 * place.cell
    yield slice(pointer, pointer + 2)
    begin = int.from_bytes(page[pointer : pointer + 2], "big")
    payload, at = _varint(page, begin)
    _, at = _varint(page, at)
    if payload > usable - 35:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (payload - least) % (usable - 4)
        payload = (local if local <= usable - 35 else least) + 4
    yield slice(begin, at + payload)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(8):
        value = value << 7 | data[at + n] & 0x7F
        if data[at + n] < 0x80:
            return value, at + n + 1
    return value << 8 | data[at + 8], at + 9


# --- Faults ---------------------------------------------------------------------------------------


def undamaged(random: Random, life: Life) -> Damage:
    """Nothing at all: what is read of it must be all there is."""
    return _changed(life, {})


def random_pages(random: Random, life: Life) -> Damage:
    """One page in fifty holds noise; not the first."""
    made = original(life.newer)
    last = len(made.data) // made.page_size
    chosen = random.sample(range(2, last + 1), max(1, last // 50))
    return _changed(life, {page: random.randbytes(made.page_size) for page in chosen})


def interior_page(random: Random, life: Life) -> Damage:
    """One inner page of the tree of messages holds noise (the root, where it is the only one)."""
    made = original(life.newer)
    inner = made.of("messages", "internal")
    chosen = random.choice(inner[1:] or inner)
    return _changed(life, {chosen: random.randbytes(made.page_size)})


def root_page(random: Random, life: Life) -> Damage:
    """The root of messages is zeros."""
    made = original(life.newer)
    (root,) = [page.number for page in made.pages.values() if _is_root(page, "messages")]
    return _changed(life, {root: bytes(made.page_size)})


def first_page(random: Random, life: Life) -> Damage:
    """Page 1 is zeros: the header of the file and the root of the schema."""
    return _changed(life, {1: bytes(original(life.newer).page_size)})


def overflow_noise(random: Random, life: Life) -> Damage:
    """One in ten overflow pages of messages holds noise, but for what points to the next."""
    made = original(life.newer)
    return _changed(
        life,
        {
            page: made.page(page)[:4] + random.randbytes(made.page_size - 4)
            for page in _some(random, made.of("messages", "overflow"))
        },
    )


def overflow_zeroed(random: Random, life: Life) -> Damage:
    """One in ten overflow pages of messages is zeros."""
    made = original(life.newer)
    pages = _some(random, made.of("messages", "overflow"))
    return _changed(life, {page: bytes(made.page_size) for page in pages})


def zeroed_range(random: Random, life: Life) -> Damage:
    """A tenth of the file in one piece is zeros, as two real installs had it."""
    made = original(life.newer)
    last = len(made.data) // made.page_size
    count = max(1, last // 10)
    first = random.randrange(2, max(3, last - count))
    return _changed(life, {n: bytes(made.page_size) for n in range(first, first + count)})


def zeroed_sector(random: Random, life: Life) -> Damage:
    """One sector of one in ten leaves of messages is zeros."""
    made = original(life.newer)
    return _changed(
        life,
        {
            page: _with_sector(random, made.page(page), bytes(SECTOR))
            for page in _some(random, made.of("messages", "leaf"))
        },
    )


def torn_sector(random: Random, life: Life) -> Damage:
    """The end of one in ten leaves of messages is that of an older state."""
    made = original(life.newer)
    changes = {}
    for page in _some(random, made.of("messages", "leaf")):
        old = life.older[(page - 1) * made.page_size : page * made.page_size]
        at = random.randrange(0, made.page_size, SECTOR)
        if len(old) == made.page_size:
            changes[page] = made.page(page)[:at] + old[at:]
    return _changed(life, changes)


def truncated(random: Random, life: Life) -> Damage:
    """The last third of the file is gone, and half a page before it."""
    made = original(life.newer)
    kept = len(made.data) * 2 // 3 // made.page_size
    cut = made.data[: kept * made.page_size - made.page_size // 2]
    last = len(made.data) // made.page_size
    return Damage(cut, frozenset(range(kept, last + 1)), original=made)


def stale_page(random: Random, life: Life) -> Damage:
    """One in ten leaves of messages and of sessions is what it was in an older state."""
    made = original(life.newer)
    leaves = [page for tree in ("messages", "sessions") for page in made.of(tree, "leaf")]
    older = {
        page: life.older[(page - 1) * made.page_size : page * made.page_size]
        for page in leaves
        if life.older[(page - 1) * made.page_size : page * made.page_size] != made.page(page)
    }
    chosen = _some(random, sorted(page for page, old in older.items() if old))
    return _changed(life, {page: older[page] for page in chosen})


def older_pages(random: Random, life: Life) -> Damage:
    """One in ten of all pages is what it was in an older state."""
    made = original(life.newer)
    pages = range(2, len(life.older) // made.page_size + 1)
    return _changed(
        life,
        {
            page: life.older[(page - 1) * made.page_size : page * made.page_size]
            for page in _some(random, list(pages))
        },
    )


def wal_frame_torn(random: Random, life: Life) -> Damage:
    """One frame of the -wal holds noise in its second half."""
    return _wal_damaged(random, life, 1, header=False)


def wal_page_torn(random: Random, life: Life) -> Damage:
    """The last frame of a leaf of messages or sessions holds noise in its second half."""
    made = original(life.newer)
    size = FRAME_HEADER + made.page_size
    frames = range(WAL_HEADER, len(life.wal) - size + 1, size)
    last = {int.from_bytes(life.wal[at : at + 4], "big"): at for at in frames[:-1]}
    leaves = [page for tree in ("messages", "sessions") for page in made.of(tree, "leaf")]
    page = random.choice([page for page in leaves if page in last])
    end = last[page] + size
    half = end - made.page_size // 2
    wal = life.wal[:half] + random.randbytes(end - half) + life.wal[end:]
    return Damage(life.before, frozenset([page]), wal, original=made)


def wal_frames_lost(random: Random, life: Life) -> Damage:
    """One frame in fifty of the -wal is zeros, with its header."""
    return _wal_damaged(random, life, 50, header=True)


FAULTS: tuple[Fault, ...] = (
    undamaged, random_pages, interior_page, root_page, first_page, overflow_noise, overflow_zeroed,
    zeroed_range, zeroed_sector, torn_sector, truncated, stale_page, older_pages, wal_frame_torn,
    wal_page_torn, wal_frames_lost,
)  # fmt: skip

EXACT: tuple[Fault, ...] = (
    undamaged, random_pages, interior_page, root_page, first_page, truncated, wal_frame_torn,
    wal_page_torn,
)  # fmt: skip
"""After which no value that is read may be wrong, and no deleted row may be back."""


def _changed(life: Life, pages: Mapping[int, bytes]) -> Damage:
    made = original(life.newer)
    data = bytearray(made.data)
    for page, content in pages.items():
        assert len(content) == made.page_size
        data[(page - 1) * made.page_size : page * made.page_size] = content
    hit = frozenset(page for page, content in pages.items() if content != made.page(page))
    return Damage(bytes(data), hit, original=made)


def _some(random: Random, pages: list[int]) -> list[int]:
    return random.sample(pages, max(1, len(pages) // 10)) if pages else []


def _is_root(page: Page, tree: str) -> bool:
    return page.tree == tree and page.path == "/"


def _with_sector(random: Random, page: bytes, content: bytes) -> bytes:
    at = random.randrange(0, len(page), SECTOR)
    return page[:at] + content + page[at + SECTOR :]


def _wal_damaged(random: Random, life: Life, one_in: int, *, header: bool) -> Damage:
    """Damage frames; hit is a page whose last image is among them, or stands between two."""
    made = original(life.newer)
    size = FRAME_HEADER + made.page_size
    frames = list(range(WAL_HEADER, len(life.wal) - size + 1, size))
    # Without the last, the commit, what is after the commit before it would be as if unwritten.
    chosen = random.sample(frames[:-1], max(1, len(frames) // one_in) if header else 1)
    wal = bytearray(life.wal)
    for at in chosen:
        if header:
            wal[at : at + size] = bytes(size)
        else:
            half = at + size // 2
            wal[half : at + size] = random.randbytes(at + size - half)
    last = {int.from_bytes(life.wal[at : at + 4], "big"): at for at in frames}
    # Between two frames without a header no checksum tells whether one is whole: it is lost too.
    alone = {at for at in frames if header and {at - size, at + size} <= set(chosen)}
    hit = frozenset(page for page, at in last.items() if at in {*chosen, *alone})
    return Damage(life.before, hit, bytes(wal), original=made)
