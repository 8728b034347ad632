"""salvage: the -wal beyond its first bad frame, and the hot journal, laid over the main file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from hermes_repair.salvage import (
    Bundle,
    Cell,
    Encoding,
    Fact,
    Origin,
    PageImage,
    cells,
    open_image,
    survey,
)

Rows = dict[int, tuple[str, str]]
FRAME = 24
MAGIC = bytes.fromhex("d9d505f920a163d7")
SCHEMA = "CREATE TABLE m (id INTEGER PRIMARY KEY AUTOINCREMENT, s TEXT, t TEXT)"


class Left(NamedTuple):
    """A database as a crash left it, and the rows that it has by its last commit."""

    path: Path
    page_size: int
    rows: Rows


def fill(db: sqlite3.Connection, random: Random, mark: str, count: int) -> None:
    for n in range(count):
        chance = random.random()
        text = f"{mark}{n} " * random.randrange(1, 600)
        if chance < 0.6:
            db.execute("INSERT INTO m (s, t) VALUES (?, ?)", (f"s{n % 9}", text))
        elif chance < 0.85:
            db.execute("UPDATE m SET t = ? WHERE id = ?", (text, random.randrange(1, count)))
        else:
            db.execute("DELETE FROM m WHERE id = ?", (random.randrange(1, count),))


def rows_of(db: sqlite3.Connection) -> Rows:
    return {number: (s, t) for number, s, t in db.execute("SELECT id, s, t FROM m")}


def begun(path: Path, page_size: int) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA page_size = {page_size}")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(SCHEMA)
    db.execute("CREATE INDEX i ON m (s)")
    db.execute("BEGIN")
    fill(db, Random(1), "first", 300)
    db.execute("COMMIT")
    return db


def left_wal(folder: Path, page_size: int) -> Left:
    """Write 300 transactions into a -wal, the last of which is not committed."""
    path = folder / "a.db"
    with closing(begun(path, page_size)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        fill(db, Random(2), "later", 300)
        rows = rows_of(db)
        db.execute("PRAGMA cache_size = 10")
        db.execute("BEGIN")
        fill(db, Random(3), "never", 100)
        for name in ("a.db", "a.db-wal"):
            shutil.copyfile(folder / name, folder / name.replace("a.", "left."))
        db.execute("ROLLBACK")
    return Left(folder / "left.db", page_size, rows)


def left_journal(folder: Path, page_size: int, synchronous: str) -> Left:
    """Cut off a transaction whose pages have gone into the file already."""
    path = folder / "a.db"
    with closing(begun(path, page_size)) as db:
        rows = rows_of(db)
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute("PRAGMA cache_size = 10")
        db.execute("BEGIN")
        fill(db, Random(3), "never", 300)
        for name in ("a.db", "a.db-journal"):
            shutil.copyfile(folder / name, folder / name.replace("a.", "left."))
        db.execute("ROLLBACK")
    return Left(folder / "left.db", page_size, rows)


class Read(NamedTuple):
    """What was read of a bundle: the cells of ``m`` by rowid, and what the image says."""

    cells: dict[int | None, Cell]
    facts: dict[Fact, int]
    image: PageImage

    def wrong(self, rows: Rows, unmarked: bool = False) -> list[int | None]:
        """Return the rowids of rows that are not as they were by the last commit."""
        return [
            rowid
            for rowid, cell in self.cells.items()
            if cell.values is not None
            and (rowid is None or cell.values[1:] != rows.get(rowid))
            and not (unmarked and (cell.stale or cell.page in self.image.unproven))
        ]


def read(bundle: Bundle) -> Read:
    with open_image(bundle) as image:
        found = survey(image)
        root = next(row.root for row in found.schema_rows if row.name == "m")
        read_cells = {
            cell.rowid: cell for leaf in found.leaves_of(root) for cell in cells(image, leaf)
        }
        return Read(read_cells, {note.fact: note.count for note in image.notes}, image)


def change(path: Path, how: Callable[[bytearray], object]) -> None:
    data = bytearray(path.read_bytes())
    how(data)
    path.write_bytes(data)


def wal_of(left: Left) -> Path:
    return left.path.with_name("left.db-wal")


def frame_at(left: Left, share: float) -> slice:
    """Return where a frame lies: that many of all frames lie before it."""
    stride = left.page_size + FRAME
    count = (wal_of(left).stat().st_size - 32) // stride
    begin = 32 + int(count * share) * stride
    return slice(begin, begin + stride)


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_sound_wal(tmp_path: Path, page_size: int) -> None:
    left = left_wal(tmp_path, page_size)
    found = read(Bundle.beside(left.path))
    assert found.cells.keys() == left.rows.keys() and not found.wrong(left.rows)
    assert Fact.WAL_UNCOMMITTED in found.facts
    assert not found.facts.keys() & {Fact.WAL_FRAME_TORN, Fact.WAL_FRAME_LOST}
    assert not found.image.stale and not found.image.unproven
    assert found.image.origin(1) in (Origin.MAIN, Origin.WAL)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("gone", ["half", "image", "frame", "header", "salt"])
def test_damaged_frame(tmp_path: Path, share: float, gone: str) -> None:
    """SQLite ends at such a frame: it reads old rows, and rows that were deleted since."""
    left = left_wal(tmp_path, 4096)
    at = frame_at(left, share)
    begin, end = {
        "half": (at.start + FRAME + 2048, at.stop),
        "image": (at.start + FRAME, at.stop),
        "frame": (at.start, at.stop),
        "header": (at.start, at.start + FRAME),
        "salt": (at.start + 8, at.start + 16),
    }[gone]

    def damage(data: bytearray) -> None:
        data[begin:end] = bytes(end - begin)

    change(wal_of(left), damage)
    found = read(Bundle.beside(left.path))
    assert not found.wrong(left.rows, unmarked=True)
    assert len(left.rows.keys() - found.cells.keys()) <= 3
    torn = {"half": 1, "image": 1}.get(gone, 0)
    lost = {"frame": 1, "header": 1}.get(gone, 0)
    assert found.facts.get(Fact.WAL_FRAME_TORN, 0) == torn
    assert found.facts.get(Fact.WAL_FRAME_LOST, 0) == lost
    assert found.facts.get(Fact.WAL_UNPROVEN, 0) == lost
    if gone == "salt":
        assert found.cells.keys() == left.rows.keys() and not found.wrong(left.rows)


def test_many_damaged_frames(tmp_path: Path) -> None:
    left = left_wal(tmp_path, 4096)
    random = Random(5)

    def damage(data: bytearray) -> None:
        for _ in range(20):
            at = frame_at(left, random.random() * 0.9).start + FRAME + random.randrange(3000)
            data[at : at + 64] = random.randbytes(64)

    change(wal_of(left), damage)
    found = read(Bundle.beside(left.path))
    assert 15 <= found.facts[Fact.WAL_FRAME_TORN] <= 20
    assert not found.wrong(left.rows, unmarked=True)
    assert len(found.cells.keys() & left.rows.keys()) > 0.95 * len(left.rows)


@pytest.mark.parametrize("page_size", [512, 4096])
def test_the_header_of_the_wal_is_gone(tmp_path: Path, page_size: int) -> None:
    left = left_wal(tmp_path, page_size)
    change(wal_of(left), lambda data: data.__setitem__(slice(0, 32), bytes(32)))
    found = read(Bundle.beside(left.path))
    assert found.facts[Fact.WAL_HEADER_LOST] == 1
    assert found.cells.keys() == left.rows.keys() and not found.wrong(left.rows)


def test_an_earlier_generation_is_left_out(tmp_path: Path) -> None:
    """A -wal that began anew keeps behind its end what it had before."""
    path = tmp_path / "a.db"
    with closing(begun(path, 4096)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        fill(db, Random(2), "earlier", 200)
        db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        fill(db, Random(3), "now", 20)
        rows = rows_of(db)
        for name in ("a.db", "a.db-wal"):
            shutil.copyfile(tmp_path / name, tmp_path / name.replace("a.", "left."))
    found = read(Bundle.beside(tmp_path / "left.db"))
    assert found.cells.keys() == rows.keys() and not found.wrong(rows)
    assert found.facts[Fact.WAL_EARLIER] > 50 and not found.image.stale


def test_page_one_is_gone_and_the_wal_has_it(tmp_path: Path) -> None:
    left = left_wal(tmp_path, 4096)
    with sqlite3.connect(left.path) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
    change(left.path, lambda data: data.__setitem__(slice(0, 4096), bytes(4096)))
    found = read(Bundle.beside(left.path))
    assert found.cells.keys() == left.rows.keys() and not found.wrong(left.rows)
    assert found.image.origin(1) is Origin.WAL and found.image.header is not None


def test_a_wal_without_a_main_file(tmp_path: Path) -> None:
    """Its frames alone: what only the main file had is gone, the rest is exact."""
    left = left_wal(tmp_path, 4096)
    found = read(Bundle(None, wal_of(left)))
    assert found.cells and not found.wrong(left.rows)
    assert found.image.page_size == 4096 and found.image.encoding is Encoding.UTF8


@pytest.mark.parametrize("data", [b"x", bytes(4096), Random(1).randbytes(100_000)])
def test_a_wal_that_is_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.db"
    with closing(begun(path, 4096)) as db:
        rows = rows_of(db)
    path.with_name("a.db-wal").write_bytes(data)
    found = read(Bundle.beside(path))
    assert found.facts == {Fact.WAL_UNREADABLE: 1}
    assert found.cells.keys() == rows.keys() and not found.wrong(rows)


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
@pytest.mark.parametrize("synchronous", ["FULL", "OFF"])
def test_sound_journal(tmp_path: Path, page_size: int, synchronous: str) -> None:
    left = left_journal(tmp_path, page_size, synchronous)
    assert read(Bundle(left.path)).wrong(left.rows)
    found = read(Bundle.beside(left.path))
    assert found.cells.keys() == left.rows.keys() and not found.wrong(left.rows)
    assert found.facts.keys() == {Fact.JOURNAL_APPLIED} and not found.image.stale


def test_a_header_within_the_journal_is_gone(tmp_path: Path) -> None:
    """Records and their checksums still tell what it said, and what follows is put back too."""
    left = left_journal(tmp_path, 512, "FULL")
    journal = left.path.with_name("left.db-journal")

    def damage(data: bytearray) -> None:
        headers = [at for at in range(0, len(data), 512) if data[at : at + 8] == MAGIC]
        assert len(headers) > 5
        for at in headers[2:4]:
            data[at : at + 28] = bytes(28)

    change(journal, damage)
    found = read(Bundle.beside(left.path))
    assert found.cells.keys() == left.rows.keys() and not found.wrong(left.rows)
    assert found.facts[Fact.JOURNAL_HEADER_LOST] in (1, 2)  # one record alone proves no checksum


def test_a_torn_record_makes_its_page_stale(tmp_path: Path) -> None:
    left = left_journal(tmp_path, 4096, "OFF")
    journal = left.path.with_name("left.db-journal")

    def damage(data: bytearray) -> None:
        for number in range(3, 12, 3):
            at = 512 + number * (4096 + 8) + 4 + 4096 - 200
            data[at] ^= 0x55

    change(journal, damage)
    found = read(Bundle.beside(left.path))
    assert found.facts[Fact.JOURNAL_RECORD_TORN] == 3 and len(found.image.stale) == 3
    assert not [rowid for rowid in found.wrong(left.rows, unmarked=True) if rowid in left.rows]


@pytest.mark.parametrize("synchronous", ["FULL", "OFF"])
def test_a_journal_of_an_earlier_state_is_left_out(tmp_path: Path, synchronous: str) -> None:
    """Laid over the file it would take back what was committed since."""
    left = left_journal(tmp_path, 4096, synchronous)
    journal = left.path.with_name("left.db-journal")
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for number in range(3):
            fill(db, Random(number), f"since {number}", 20)
        rows = rows_of(db)
    shutil.copyfile(journal, tmp_path / "a.db-journal")
    found = read(Bundle.beside(path))
    assert found.facts == {Fact.JOURNAL_OF_ANOTHER: 1}
    assert found.cells.keys() == rows.keys() and not found.wrong(rows)


def test_a_journal_of_another_file_is_left_out(tmp_path: Path) -> None:
    """Both have written as often, and the other one has more pages."""
    theirs = left_journal(tmp_path, 4096, "OFF")
    mine = tmp_path / "mine.db"
    with closing(begun(mine, 4096)) as db:
        db.execute("VACUUM")
        rows = rows_of(db)
    data = bytearray(mine.read_bytes())
    there = theirs.path.with_name("a.db").read_bytes()
    data[24:28] = data[92:96] = there[24:28]
    mine.write_bytes(data)
    shutil.copyfile(theirs.path.with_name("left.db-journal"), tmp_path / "mine.db-journal")
    found = read(Bundle.beside(mine))
    assert found.facts == {Fact.JOURNAL_OF_ANOTHER: 1}
    assert found.cells.keys() == rows.keys() and not found.wrong(rows)


def test_a_journal_that_was_cut_is_told(tmp_path: Path) -> None:
    left = left_journal(tmp_path, 4096, "FULL")
    journal = left.path.with_name("left.db-journal")
    os.truncate(journal, journal.stat().st_size // 2 + 100)
    found = read(Bundle.beside(left.path))
    assert found.facts[Fact.JOURNAL_CUT] and found.image.lost_unnamed


def test_a_journal_whose_transaction_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(begun(path, 4096)) as db:
        db.execute("PRAGMA journal_mode = PERSIST")
        fill(db, Random(2), "later", 50)
        rows = rows_of(db)
        found = read(Bundle.beside(path))
    assert found.facts == {Fact.JOURNAL_NOT_HOT: 1}
    assert found.cells.keys() == rows.keys() and not found.wrong(rows)


def test_a_cut_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(begun(path, 4096)) as db:
        rows = rows_of(db)
    size = path.stat().st_size
    change(path, lambda data: data.__delitem__(slice(size * 2 // 3 - 1000, None)))
    found = read(Bundle(path))
    assert found.facts.keys() == {Fact.MAIN_CUT, Fact.MAIN_SHORT}
    whole = {rowid for rowid, cell in found.cells.items() if cell.values is not None}
    assert whole and not found.wrong(rows)
