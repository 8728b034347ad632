"""salvage: whatever the bytes are, reading ends, in bounded memory, and raises nothing."""

from __future__ import annotations

import sqlite3
import struct
import time
import tracemalloc
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from hermes_repair.salvage import (
    Bundle,
    Fact,
    NoPages,
    PageKind,
    Why,
    cells,
    deleted_cells,
    open_image,
    shapes,
    survey,
)
from tests.salvage.hostile import MUTATIONS, NUMBERS
from tests.unit.salvage_databases import Variant, all_rows, image_of
from tests.unit.test_salvage_side_files import left_journal, left_wal


def read_everything(bundle: Bundle) -> int:
    """Read all that there is, and return how many cells that were."""
    try:
        with open_image(bundle) as image:
            found = survey(image)
            count = 0
            for leaf in (*found.leaves(), *found.freed()):
                count += sum(1 for _ in cells(image, leaf))
                count += sum(1 for _ in shapes(image, leaf))
                count += sum(1 for _ in cells(image, leaf, {0, 2}))
            count += sum(1 for _ in deleted_cells(image, found))
            return count + sum(tree.leaves + len(tree.lost) for tree in found.trees.values())
    except NoPages:
        return 0


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """Return small bundles by suffix: alone, with a -wal, with a journal."""
    small = {"": image_of(Variant("v1", 512))[: 512 * 400]}
    found = [small, {"": image_of(Variant("v7", 1024, "UTF-16le", 1))[: 1024 * 150]}]
    wal = left_wal(tmp_path_factory.mktemp("wal"), 512)
    journal = left_journal(tmp_path_factory.mktemp("journal"), 512, "FULL")
    for name, path in (("wal", wal.path), ("journal", journal.path)):
        side = path.with_name(f"{path.name}-{name}").read_bytes()
        found.append({"": path.read_bytes()[: 512 * 300], f"-{name}": side[: 512 * 400]})
    return found


def mutated(random: Random, bundles: list[dict[str, bytes]], folder: Path) -> Bundle:
    bundle = dict(random.choice(bundles))
    suffix = random.choice(list(bundle))
    data = bytearray(bundle[suffix])
    for _ in range(random.choice([1, 1, 3])):
        random.choice(MUTATIONS)(random, data)
        if len(data) < 600:
            break
    bundle[suffix] = bytes(data)
    for name in ("", "-wal", "-journal"):
        path = folder / f"state.db{name}"
        path.write_bytes(bundle[name]) if name in bundle else path.unlink(missing_ok=True)
    return Bundle.beside(folder / "state.db")


def test_mutated_files(bundles: list[dict[str, bytes]], tmp_path: Path) -> None:
    for number in range(60):
        bundle = mutated(Random(number), bundles, tmp_path)
        begun = time.process_time()
        try:
            read_everything(bundle)
        except Exception as error:
            error.add_note(f"of mutation {number}")
            raise
        assert time.process_time() - begun < 20, number


@pytest.mark.parametrize("size", [1, 99, 511, 512, 513, 5000, 100_000])
def test_noise_alone(tmp_path: Path, size: int) -> None:
    path = tmp_path / "state.db"
    for data in (Random(size).randbytes(size), bytes(size), b"\x0d" * size, b"\x05" * size):
        path.write_bytes(data)
        path.with_name("state.db-wal").write_bytes(data[::-1])
        read_everything(Bundle.beside(path))


def test_a_last_page_of_a_few_bytes(tmp_path: Path) -> None:
    data = image_of(Variant("v1", 512))
    path = tmp_path / "state.db"
    for size in (1, 2, 4, 7, 8, 11, 12, 100):
        for page in (3, 30):
            path.write_bytes(data[: 512 * page] + bytes(4)[:size] + data[-size:])
            read_everything(Bundle.beside(path))
            path.write_bytes(data[: 512 * page + size])
            read_everything(Bundle.beside(path))


def table(path: Path, rows: int, text: int) -> bytearray:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"{n:06}" * text) for n in range(rows)])
    return bytearray(path.read_bytes())


def test_every_cell_claims_one_chain(tmp_path: Path) -> None:
    """As many pages are read for a second owner as the file has; then such rows are broken."""
    path = tmp_path / "a.db"
    data = table(path, 40, 70_000)
    with open_image(Bundle(path)) as image:
        found = survey(image)
        first = [leaf.page for leaf, cell in all_rows(image, found) if cell.rowid == 0]
        chains = [n for n in range(2, image.page_count) if found.kind(n) is PageKind.OVERFLOW]
    for page in chains[110:]:  # all but the chain of the first row, which has 103 pages
        data[(page - 1) * 4096 : page * 4096] = data[(first[-1] - 1) * 4096 : first[-1] * 4096]
    path.write_bytes(data)
    with open_image(Bundle(path)) as image:
        rows = [cell for _, cell in all_rows(image, survey(image)) if cell.rowid == 0]
    assert len(rows) > 3000
    assert 1 < len([cell for cell in rows if cell.values is not None]) < 50
    assert {cell.broken.why for cell in rows if cell.broken} == {Why.CHAIN_SHARED}


def test_an_interior_page_that_is_its_own_child(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    data = table(path, 3000, 5)
    with open_image(Bundle(path)) as image:
        root = next(row.root for row in survey(image).schema_rows)
    begin = (root - 1) * 4096
    count = int.from_bytes(data[begin + 3 : begin + 5], "big")
    for at in range(begin + 12, begin + 12 + 2 * count, 2):
        cell = begin + int.from_bytes(data[at : at + 2], "big")
        data[cell : cell + 4] = root.to_bytes(4, "big")
    path.write_bytes(data)
    with open_image(Bundle(path)) as image:
        found = survey(image)
        rowids = {cell.rowid for leaf, cell in all_rows(image, found) if leaf.page > 1}
        assert rowids == set(range(3000)) and len(found.trees[root].lost) == count


def test_numbers_beyond_all_files_take_no_memory(tmp_path: Path) -> None:
    """A commit of a -wal, a header and a journal that say four billion pages."""
    left = left_wal(tmp_path, 512)
    tracemalloc.start()
    for number in NUMBERS[3:]:
        data = bytearray(left.path.read_bytes())
        data[28:32] = struct.pack(">I", number)
        path = tmp_path / "b.db"
        path.write_bytes(data)
        with open_image(Bundle(path)) as image:
            assert Fact.MAIN_SHORT in {note.fact for note in image.notes} or image.page_count < 1e6
            survey(image)
        head = struct.pack(
            ">8sIIIII", bytes.fromhex("d9d505f920a163d7"), 0, 7, number, 512, 512
        )  # fmt: skip
        path.with_name("b.db-journal").write_bytes(head.ljust(512, b"\0"))
        read_everything(Bundle.beside(path))
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_page_one_as_its_own_freelist(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    data = table(path, 3, 5)
    data[:8] = struct.pack(">II", 1, 0)
    data[32:36] = struct.pack(">I", 1)
    path.write_bytes(data)
    with open_image(Bundle(path)) as image:
        assert {cell.rowid for leaf, cell in all_rows(image, survey(image)) if leaf.page > 1} == {
            0,
            1,
            2,
        }
