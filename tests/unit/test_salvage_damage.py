"""salvage: what can be read of a damaged file is read, and what cannot is named."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from hermes_repair.salvage import (
    Broken,
    Bundle,
    Cell,
    Encoding,
    Fact,
    Loss,
    PageKind,
    Trust,
    Why,
    cells,
    deleted_cells,
    open_image,
    survey,
)
from hermes_repair.salvage.btree_page import INDEX_LEAF, TABLE_LEAF, read_page_header
from hermes_repair.salvage.carving import carve
from hermes_repair.salvage.cell_places import places
from tests.unit.salvage_databases import ENCODINGS, PAGE_SIZES, Variant, all_rows, image_of, written

Rows = dict[int, list[str]]  # of a page, in its order
Hurt = Callable[[bytearray, int, Random, list[int]], Iterable[int]]


class Damaged(NamedTuple):
    """A damaged copy: which pages were touched, and the rows of every page before."""

    path: Path
    touched: set[int]
    rows: Rows


def row(cell: Cell) -> str:
    return repr((cell.rowid, cell.values))


def rows_by_page(path: Path) -> Rows:
    """Return the rows of a sound database; that these are SQLite's is tested elsewhere."""
    rows: Rows = {}
    with open_image(Bundle(path)) as image:
        for leaf, cell in all_rows(image, survey(image)):
            rows.setdefault(leaf.page, []).append(row(cell))
    return rows


def pages_of(path: Path, kinds: Iterable[PageKind]) -> list[int]:
    with open_image(Bundle(path)) as image:
        found = survey(image)
        return [n for n in range(2, image.page_count + 1) if found.kind(n) in set(kinds)]


def damaged(folder: Path, variant: Variant, kinds: Iterable[PageKind], hurt: Hurt) -> Damaged:
    path = written(variant, folder)
    pages, rows = pages_of(path, kinds), rows_by_page(path)
    data = bytearray(path.read_bytes())
    touched = set(hurt(data, variant.page_size, Random(7), pages))
    path.write_bytes(data)
    return Damaged(path, touched, rows)


def some(random: Random, pages: list[int], share: float) -> list[int]:
    return random.sample(pages, max(int(len(pages) * share), 1))


def noise(data: bytearray, size: int, random: Random, pages: list[int]) -> Iterable[int]:
    """Overwrite a tenth of the pages."""
    for page in some(random, pages, 0.1):
        data[(page - 1) * size : page * size] = random.randbytes(size)
        yield page


def zeros(data: bytearray, size: int, random: Random, pages: list[int]) -> Iterable[int]:
    """Zero a tenth of the pages."""
    for page in some(random, pages, 0.1):
        data[(page - 1) * size : page * size] = bytes(size)
        yield page


def first_page(data: bytearray, size: int, random: Random, pages: list[int]) -> Iterable[int]:
    """Zero page 1."""
    data[:size] = bytes(size)
    yield 1


def cut(data: bytearray, size: int, random: Random, pages: list[int]) -> Iterable[int]:
    """Lose the last third, in the middle of a page."""
    end = len(data) * 2 // 3 - size // 3
    yield from range(end // size + 1, len(data) // size + 1)
    del data[end:]


def sectors(data: bytearray, size: int, random: Random, pages: list[int]) -> Iterable[int]:
    """Zero one sector of every fifth page."""
    for page in some(random, pages, 0.2):
        at = (page - 1) * size + random.randrange(size // 512) * 512
        data[at : at + 512] = bytes(512)
        yield page


def has_zeros(cell: Cell) -> bool:
    """Whether a BLOB has a stretch of zeros: it may be one of zeros, so it is given."""
    return any(isinstance(value, bytes) and bytes(400) in value for value in cell.values or ())


ALL = list(PageKind)
LEAVES = [PageKind.TABLE_LEAF, PageKind.INDEX_LEAF]
INTERIOR = [PageKind.TABLE_INTERIOR, PageKind.INDEX_INTERIOR]
LAYOUTS = [Variant(page_size=size) for size in (512, 4096, 65536)] + [
    Variant("0.13.0", 1024, "UTF-16le", 1)
]


@pytest.mark.parametrize("variant", LAYOUTS, ids=str)
@pytest.mark.parametrize(
    "kinds, hurt",
    [
        (ALL, noise), (ALL, zeros), (INTERIOR, noise), (LEAVES, zeros), (ALL, first_page),
        (ALL, cut),
    ],
    ids=["noise", "zeros", "interior", "leaves", "page 1", "cut"],
)  # fmt: skip
def test_every_row_on_an_intact_page_is_read(
    tmp_path: Path, variant: Variant, kinds: list[PageKind], hurt: Hurt
) -> None:
    """A row that another page was needed for says so; no other row is given, and none is wrong."""
    hurt_file = damaged(tmp_path, variant, kinds, hurt)
    known = {row for rows in hurt_file.rows.values() for row in rows}
    chains = set()
    with open_image(Bundle(hurt_file.path)) as image:
        assert image.page_size == variant.page_size
        assert image.encoding.value == variant.encoding.lower().replace("16", "16-")
        read: Rows = {}
        for leaf, cell in all_rows(image, survey(image)):
            if cell.values is not None and leaf.page not in hurt_file.touched:
                assert row(cell) in known or has_zeros(cell), (leaf, cell)
            if cell.broken is not None:
                chains.add(cell.broken.why)
            read.setdefault(leaf.page, []).append(row(cell))
    for page, rows in hurt_file.rows.items():
        if page not in hurt_file.touched:
            assert [r for r in read[page] if r in known] == [
                r for r, ours in zip(rows, read[page], strict=True) if ours in known
            ]
    allowed = {Why.CHAIN_ABSENT, Why.CHAIN_SHORT, Why.CHAIN_LONG, Why.CHAIN_ZERO}
    assert hurt is cut or chains <= allowed, chains


@pytest.mark.parametrize("size", [1024, 4096, 65536])
def test_intact_cells_of_a_damaged_page_are_read(tmp_path: Path, size: int) -> None:
    """A zeroed sector may take the header or the pointers of a page, and not its cells."""
    sound = image_of(Variant(page_size=size))
    hurt_file = damaged(tmp_path, Variant(page_size=size), LEAVES, sectors)
    data = hurt_file.path.read_bytes()
    whole = missed = headless = 0
    with open_image(Bundle(hurt_file.path)) as image:
        found = survey(image)
        for page in hurt_file.touched & hurt_file.rows.keys():
            before, now = (part[(page - 1) * size : page * size] for part in (sound, data))
            header = read_page_header(before, page, size)
            leaf = found.leaf(page)
            if leaf is None:
                continue  # its row of sqlite_master was lost, too: nothing says what it is
            assert header is not None
            headless += leaf.headless
            ours = {row(cell) for cell in cells(image, leaf)}
            for place, expected in zip(
                places(before, header, size), hurt_file.rows[page], strict=True
            ):
                if before[place.begin : place.end] == now[place.begin : place.end]:
                    whole += 1
                    missed += expected not in ours
    assert whole > 30 and (headless or size == 65536) and missed <= whole // 20, (
        whole,
        missed,
        headless,
    )


@pytest.mark.parametrize("pages", [2, pytest.param(6, marks=pytest.mark.long)])
@pytest.mark.parametrize("flags", [TABLE_LEAF, INDEX_LEAF])
def test_noise_has_no_cells(flags: int, pages: int) -> None:
    """By chance a length, a header and its types agree: alone, and not beside another."""
    random = Random(11)
    for _ in range(pages):
        assert carve(random.randbytes(65536), range(65536), flags, 65536, {65536}) == []


@pytest.mark.parametrize("size", PAGE_SIZES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_layout_without_page_one(tmp_path: Path, size: int, encoding: str) -> None:
    for auto_vacuum in (0, 1):
        variant = Variant("0.16.0", size, encoding, auto_vacuum)
        data = bytearray(image_of(variant))
        assert list(first_page(data, size, Random(1), [])) == [1]
        assert list(noise(data, size, Random(2), list(range(3, len(data) // size))))
        path = tmp_path / "state.db"
        path.write_bytes(data)
        with open_image(Bundle(path)) as image:
            assert (image.page_size, image.auto_vacuum) == (size, bool(auto_vacuum))
            assert image.encoding is Encoding(encoding.lower().replace("16", "16-"))
            assert image.header is None
            assert [note.fact for note in image.notes] == [Fact.PAGE_ONE_UNREAD]


@pytest.mark.parametrize(
    "at, value",
    [(16, b"\x20\x00"), (16, b"\x02\x00"), (20, b"\x08"), (56, b"\0\0\0\x02"), (52, b"\0\0\0\x09")],
    ids=["page size doubled", "page size 512", "reserved", "encoding", "auto-vacuum"],
)
def test_page_one_contradicts_the_others(tmp_path: Path, at: int, value: bytes) -> None:
    """One field of a header that has all the rest: the pages tell what is right."""
    path = written(Variant(), tmp_path)
    expected = rows_by_page(path)
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value
    path.write_bytes(data)
    assert rows_by_page(path) == expected


def test_lost_pages_are_named(tmp_path: Path) -> None:
    """A leaf of wide that is gone: its tree says which rowids were there, and on how many pages."""
    path = written(Variant(), tmp_path)
    with open_image(Bundle(path)) as image:
        found = survey(image)
        root = next(row.root for row in found.schema_rows if row.name == "wide")
        leaves = list(found.leaves_of(root))
        victim = leaves[len(leaves) // 2]
        rowids = [cell.rowid or 0 for cell in cells(image, victim)]
    data = bytearray(path.read_bytes())
    data[(victim.page - 1) * 4096 : victim.page * 4096] = bytes(4096)
    path.write_bytes(data)
    with open_image(Bundle(path)) as image:
        tree = survey(image).trees[root]
        assert tree.leaves == len(leaves) - 1
        (lost,) = tree.lost
        assert (lost.page, lost.loss, lost.leaf) == (victim.page, Loss.UNREADABLE, True)
        assert lost.low is not None and lost.high is not None
        assert lost.low < min(rowids) and max(rowids) <= lost.high


def test_a_pointer_into_another_table(tmp_path: Path) -> None:
    """An interior page of one table that points to a leaf of another: each keeps its own."""
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db, db:
        for table, first in (("one", 1), ("two", 10**9)):
            db.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, t TEXT)")
            db.executemany(
                f"INSERT INTO {table} VALUES (?, ?)", [(first + n, "x" * 300) for n in range(200)]
            )
    with open_image(Bundle(path)) as image:
        found = survey(image)
        roots = {row.name: row.root for row in found.schema_rows}
        ours, others = (
            [leaf.page for leaf in found.leaves_of(roots[name])] for name in ("one", "two")
        )
    data = bytearray(path.read_bytes())
    root = data[(roots["one"] - 1) * 4096 : roots["one"] * 4096]
    at = root.rindex(ours[3].to_bytes(4, "big"))
    data[(roots["one"] - 1) * 4096 + at :][:4] = b""
    data = bytearray(path.read_bytes())
    begin = (roots["one"] - 1) * 4096 + at
    data[begin : begin + 4] = others[5].to_bytes(4, "big")
    path.write_bytes(data)
    with open_image(Bundle(path)) as image:
        found = survey(image)
        assert [leaf.page for leaf in found.leaves_of(roots["two"])] == others
        assert [leaf.page for leaf in found.leaves_of(roots["one"])] == ours[:3] + ours[4:]
        (lost,) = found.trees[roots["one"]].lost
        assert (lost.page, lost.loss) == (others[5], Loss.OTHER_TREE)
        orphan = found.leaf(ours[3])
        assert orphan is not None and orphan.trust is Trust.ORPHAN and orphan.root is None


def deleting(path: Path, *statements: str) -> Path:
    """Delete as a SQLite without secure_delete does; Debian's has it on."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("CREATE TABLE m (id INTEGER PRIMARY KEY, role TEXT, content TEXT, n INTEGER)")
        rows = [(n, "user" if n % 2 else "assistant", f"{n} words " * 12, n) for n in range(1000)]
        db.executemany("INSERT INTO m VALUES (?, ?, ?, ?)", rows)
        for statement in statements:
            db.execute(statement)
    return path


@pytest.mark.parametrize("page_one", [True, False])
def test_freed_pages_are_left_out(tmp_path: Path, page_one: bool) -> None:
    """With page 1 or without it: what the freelist lists was deleted, and looks alive."""
    path = deleting(tmp_path / "a.db", "DELETE FROM m WHERE id BETWEEN 200 AND 799")
    if not page_one:
        data = bytearray(path.read_bytes())
        data[:4096] = bytes(4096)
        path.write_bytes(data)
    with open_image(Bundle(path)) as image:
        found = survey(image)
        read = [cell.rowid or 0 for _, cell in all_rows(image, found) if _.page > 1]
        alive = set(range(200)) | set(range(800, 1000))
        assert alive <= set(read) and len(read) == len(set(read))
        assert not set(read) - alive
        freed = [cell for leaf in found.freed() for cell in cells(image, leaf)]
        assert len(freed) > 500 and {leaf.trust for leaf in found.freed()} == {Trust.FREED}
        assert found.count(PageKind.FREELIST_LEAF) >= len(list(found.freed())) > 10


def test_deleted_rows(tmp_path: Path) -> None:
    """Those of freed pages are whole; those on pages in use have mostly lost their rowid."""
    path = deleting(tmp_path / "a.db", "DELETE FROM m WHERE id % 3 = 0 AND id > 500")
    with open_image(Bundle(path)) as image:
        found = list(deleted_cells(image, survey(image)))
    texts = {cell.values[2] for _, cell in found if cell.values and len(cell.values) == 4}
    deleted = {f"{n} words " * 12 for n in range(501, 1000) if n % 3 == 0}
    assert len(texts & deleted) > 0.9 * len(deleted)
    for _, cell in found:
        assert cell.broken is None
        if cell.values and cell.values[2] in deleted and cell.rowid is not None:
            assert cell.values[2] == f"{cell.rowid} words " * 12


def test_broken_chains_say_why(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"{n}" * 20_000) for n in range(10, 60)])
    with open_image(Bundle(path)) as image:
        chains = [n for n in range(1, image.page_count + 1) if survey(image).kind(n) == 7]
    data = bytearray(path.read_bytes())
    random = Random(3)
    for page, value in zip(
        random.sample(chains, 12), [0, 1, 2, 10**6, chains[0], chains[-1]] * 2, strict=True
    ):
        data[(page - 1) * 4096 : (page - 1) * 4096 + 4] = value.to_bytes(4, "big")
    path.write_bytes(data)
    whys: Counter[Why] = Counter()
    with open_image(Bundle(path)) as image:
        found = survey(image)
        assert len(list(all_rows(image, found))) == 51
        for leaf, cell in all_rows(image, found):
            if leaf.page == 1:
                continue
            if cell.broken is not None:
                whys[cell.broken.why] += 1
            elif not cell.shared:
                assert cell.values is not None and cell.values[1] == f"{cell.rowid}" * 20_000
    assert whys.keys() >= {Why.CHAIN_ABSENT, Why.CHAIN_SHORT} and 6 <= whys.total() <= 12


def test_a_record_is_whole_or_broken(tmp_path: Path) -> None:
    """Every byte of a leaf changed in turn: a row is as it was, or says why not, or is only other
    in the bytes that were changed."""
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA page_size = 512")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, y INTEGER)")
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", [(n, "abc" * n, n) for n in range(1, 6)])
    sound = path.read_bytes()
    for at in range(512, 1024):
        for value in (0xFF, sound[at] ^ 1):
            data = bytearray(sound)
            data[at] = value
            path.write_bytes(data)
            with open_image(Bundle(path)) as image:
                for leaf, cell in all_rows(image, survey(image)):
                    assert (cell.values is None) == isinstance(cell.broken, Broken)
                    if leaf.page == 2 and cell.values is not None:
                        assert len(cell.values) <= 4
