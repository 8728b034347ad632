"""Cells without a pointer: where the header of a page is gone, and in the free space of a page.

A cell begins with its length and rowid, and its record's header has to add up to that length. On a
page of noise that happens by chance, once in some 60,000 bytes. So of all cells that could be,
those are taken that cover the most bytes without overlapping, and of these the ones that adjoin
another or an edge that is known: true cells lie side by side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator

from hermes_repair.salvage.btree_page import (
    CHILD,
    TABLE_LEAF,
    Limits,
    PageHeader,
    limits,
    signed,
    varint,
)
from hermes_repair.salvage.cell_places import Place
from hermes_repair.salvage.records import NUMBER_SIZES, NoRecord, classes_of, read_header

_COLUMNS = 2  # at least; one alone fits anywhere
_LEAST_CELL = 4
_ONE_BYTE = 128  # from here on the size of a header takes two, and the first does not tell it
_LEAST = bytes(
    (*NUMBER_SIZES, 0, 0, *((kind - 12) >> 1 for kind in range(12, _ONE_BYTE)), *bytes(_ONE_BYTE))
)
"""How many bytes a value takes at least by each byte of its serial type."""
_HEADER_AT = range(3, 12)
"""Where in a free block the record may begin: after a length and a rowid, partly written over."""


def carve(
    data: bytes, between: range, flags: int, usable: int, edges: Collection[int]
) -> list[Place]:
    """Return the cells that lie between two offsets of a page of a kind with rows.

    ``edges``: offsets at which cells are known to begin or end.
    """
    limit = limits(usable, flags)
    begin, end = between.start, min(between.stop, len(data), usable)
    found: list[Place] = []
    if data.count(0, begin, end) == end - begin:
        return found  # as with secure_delete
    for at in range(begin, end - _LEAST_CELL + 1):
        if data[at]:
            place = _cell_at(data, at, end, limit, flags == TABLE_LEAF)
            if place is not None:
                found.append(place)
    found = _heaviest(found)
    begins = {*edges, *(place.begin for place in found)}
    ends = {*edges, *(place.end for place in found)}
    return [place for place in found if place.begin in ends or place.end in begins]


def _cell_at(data: bytes, begin: int, end: int, limit: Limits, keyed: bool) -> Place | None:
    """Return the cell that begins at an offset, None where none can."""
    rowid = None
    try:
        size, at = varint(data, begin)
        if keyed:
            rowid, at = varint(data, at)
            rowid = signed(rowid)
        if size < _LEAST_CELL:
            return None
        local = limit.local(size)
        last = at + local + (CHILD if local < size else 0)
        head = data[at]
        if last > end or not _COLUMNS < head <= max(local, _ONE_BYTE):
            return None
        # What this much already shows to be too long is most of what is no cell.
        if head < _ONE_BYTE and head + sum(data[at + 1 : at + head].translate(_LEAST)) > size:
            return None
        columns = len(classes_of(data[at : at + local], 0, size))
    except (IndexError, NoRecord):
        return None
    return Place(begin, at, last, size, local, rowid, None) if columns >= _COLUMNS else None


def _heaviest(found: list[Place]) -> list[Place]:
    """Return the places without overlap that cover the most bytes, in the order of the page."""
    found.sort(key=lambda place: place.end)
    ends = [place.end for place in found]
    best = [0]
    taken: list[bool] = []
    for number, place in enumerate(found):
        before = bisect_right(ends, place.begin, 0, number)
        with_it = best[before] + place.end - place.begin
        taken.append(with_it > best[number])
        best.append(max(with_it, best[number]))
    chosen: list[Place] = []
    number = len(found)
    while number:
        number -= 1
        if taken[number]:
            chosen.append(found[number])
            number = bisect_right(ends, found[number].begin, 0, number)
    return chosen[::-1]


def whole_in_block(data: bytes, begin: int, end: int) -> Place | None:
    """Return the record of a free block whose first four bytes, and so its rowid, are gone."""
    for skipped in _HEADER_AT:
        at = begin + skipped
        try:
            header = read_header(data[at:end], 0)
        except NoRecord:
            continue
        size = header.size + header.body
        if len(header.types) > _COLUMNS and any(header.types) and at + size <= end:
            return Place(begin, at, at + size, size, size, None, None)
    return None


def free_space(data: bytes, header: PageHeader, usable: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a page that no cell has: before the content, and the free blocks."""
    yield header.end, min(header.content, usable)
    at, before = header.freeblock, header.content - 1
    while before < at <= min(usable, len(data)) - _LEAST_CELL:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if size < _LEAST_CELL or at + size > usable:
            return
        yield at, at + size
        before, at = at + size - 1, int.from_bytes(data[at : at + 2], "big")
