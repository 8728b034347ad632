"""What is read of a page at once is what is read of it cell by cell, or nothing."""

from __future__ import annotations

from random import Random

import pytest

from hermes_repair.salvage import PageImage, cells, survey
from hermes_repair.salvage.btree_page import TABLE_INTERIOR, read_page_header
from hermes_repair.salvage.cell_places import adds_up
from hermes_repair.salvage.cells import shapes
from hermes_repair.salvage.first_rows import ROWS_ASKED, first_rows_of
from hermes_repair.salvage.leaves import Leaf, LeafKind
from hermes_repair.salvage.plain_leaves import plain_rows
from tests.salvage.faults import FAULTS, Damage, Fault, original, undamaged
from tests.salvage.judge import opened
from tests.salvage.stores import Store, life

STORE = Store(page_size=1024, sessions=12)


def without_lengths(types: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(kind if kind < 12 else 12 | kind & 1 for kind in types)


def compare(image: PageImage, leaf: Leaf) -> bool:
    """Hold both against each other; return whether the page is plain."""
    plain = plain_rows(image, leaf)
    slowly = list(cells(image, leaf))
    if plain is None:
        return False
    assert [(cell.rowid, cell.values) for cell in slowly] == plain
    assert not any(cell.broken or cell.stale != leaf.stale or cell.carved for cell in slowly)
    if leaf.kind is LeafKind.TABLE:
        first = tuple(shape.types for shape in shapes(image, leaf))[:ROWS_ASKED]
        assert first_rows_of(image, leaf) == tuple(map(without_lengths, first))
    return True


@pytest.mark.parametrize("fault", FAULTS)
def test_a_plain_page_has_the_rows_of_its_cells(fault: Fault) -> None:
    """After every fault; of a sound file nearly all pages are plain."""
    with opened(fault(Random(3), life(STORE))) as (image, assignment):
        plain = [compare(image, leaf) for leaf in assignment.survey.leaves()]
    assert sum(plain) > len(plain) // 2
    assert fault is not undamaged or all(plain)


def test_changed_bytes_are_no_plain_page_or_are_the_rows_of_its_cells() -> None:
    random = Random(8)
    made = original(life(STORE).newer)
    met = 0
    for _ in range(12):
        data = bytearray(made.data)
        for _ in range(400):
            data[random.randrange(1024, len(data))] = random.choice((0, 1, 13, 127, 128, 255))
        with opened(Damage(bytes(data), frozenset(), original=made)) as (image, assignment):
            met += sum(compare(image, leaf) for leaf in assignment.survey.leaves())
    assert met > 300


def test_an_interior_page_adds_up() -> None:
    """Page 1 is one in most databases of Hermes; where it seemed not to, the size was deduced."""
    data = life(STORE).newer
    with opened(undamaged(Random(1), life(STORE))) as (image, _):
        found = survey(image)
        inner = [n for n in range(1, image.page_count + 1) if _flags(image, n) == TABLE_INTERIOR]
        assert 1 in inner and len(inner) > 3
        for number in inner:
            page = image.page(number)
            assert page is not None
            header = read_page_header(page, number, image.usable)
            assert header is not None and adds_up(page, header, image.usable)
            at = header.pointers[0] + 4  # a key of one byte more, or less
            torn = page[:at] + bytes([page[at] ^ 0x80]) + page[at + 1 :]
            assert not adds_up(torn, header, image.usable)
        assert found.schema_known and data[16:18] == b"\x04\0"


def _flags(image: PageImage, number: int) -> int:
    data = image.page(number)
    header = read_page_header(data, number, image.usable) if data is not None else None
    return header.flags if header is not None else 0
