"""Where the cells of a page with rows lie, and which of them can be believed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from hermes_repair.salvage.broken_cells import Why
from hermes_repair.salvage.btree_page import (
    CHILD,
    INDEX_INTERIOR,
    LOWEST,
    TABLE_INTERIOR,
    TABLE_LEAF,
    PageHeader,
    free_bytes,
    is_sound,
    limits,
    signed,
    varint,
)
from hermes_repair.salvage.records import NoRecord, read_header

LEAST_CELL = 4
"""Bytes; what is shorter takes as much."""

WholeCell: TypeAlias = tuple[int, int, int, int | None]
"""Of a cell that is where it should be: where its record begins, the size of that, how much of it
lies on the page, and the rowid. A bare tuple, because there are millions."""

_MOST_HEADER = 9 * (2000 + 1)
"""Bytes of the header of a record with as many columns as SQLite allows, and its length."""


class Place(NamedTuple):
    """Where a cell lies: ``begin`` and ``end`` on the page, ``at`` the first byte of its record.

    ``size`` is that of the whole record, ``local`` how much of it lies on the page. ``why`` is set
    where it cannot be read.
    """

    begin: int
    at: int
    end: int
    size: int
    local: int
    rowid: int | None
    why: Why | None


def places(data: bytes, header: PageHeader, usable: int) -> list[Place]:
    """Return the place of every cell of a page with rows, in the order of their pointers.

    A page on which everything adds up is taken as it is. On any other the cells whose records agree
    with themselves are believed, unless a rowid is out of order or two of them overlap: then the
    one that lies where others begin and end.
    """
    found = _located(data, header, usable)
    if whole_cells(data, header, usable) is None:
        found = _believed(data, found, usable, header.flags == TABLE_LEAF)
    return found


def adds_up(data: bytes, header: PageHeader, usable: int) -> bool:
    """Whether cells, free blocks and fragments fill a page to the byte, as on every sound page."""
    if not is_sound(header, usable):
        return False
    if header.flags == TABLE_INTERIOR:
        return _keys_add_up(data, header, usable)
    return whole_cells(data, header, usable) is not None


def _keys_add_up(data: bytes, header: PageHeader, usable: int) -> bool:
    """Whether the cells of a table interior page, each a child and a key, fill it."""
    try:
        taken = sum(varint(data, at + CHILD)[1] - at for at in header.pointers)
    except IndexError:
        return False
    free = free_bytes(data, header, usable)
    return free is not None and header.content + taken + free == usable


def whole_cells(data: bytes, header: PageHeader, usable: int) -> list[WholeCell] | None:
    """Return where the cells of a page with rows lie; None where not everything on it adds up.

    Cells, free blocks and fragments have to fill it to the byte, and rowids to rise.
    """
    found: list[WholeCell] = []
    limit = limits(usable, header.flags)
    most, least = limit.most, header.end
    end_of_page = min(usable, len(data))
    last_begin = end_of_page - LEAST_CELL
    keyed = header.flags == TABLE_LEAF
    skipped = CHILD if header.flags == INDEX_INTERIOR else 0
    taken, rowid, last = 0, None, LOWEST - 1
    try:
        for begin in header.pointers:
            if not least <= begin <= last_begin:
                return None
            at = begin + skipped
            size = data[at]
            if size < 128:
                at += 1
            else:
                size, at = varint(data, at)
            if keyed:
                rowid, at = varint(data, at)
                if rowid >> 63:
                    rowid = signed(rowid)
                if rowid <= last:
                    return None
                last = rowid
            if size <= most:
                local = size
                end = at + size
                if end < begin + LEAST_CELL:
                    end = begin + LEAST_CELL
            else:
                local = limit.local(size)
                end = at + local + CHILD
            if end > end_of_page:
                return None
            taken += end - begin
            found.append((at, size, local, rowid))
    except IndexError:
        return None
    free = free_bytes(data, header, usable)
    return found if free is not None and header.content + taken + free == usable else None


def _located(data: bytes, header: PageHeader, usable: int) -> list[Place]:
    """Return the place of every cell, as far as it can lie where its pointer leads."""
    found: list[Place] = []
    limit = limits(usable, header.flags)
    end_of_page = min(usable, len(data))
    keyed = header.flags == TABLE_LEAF
    skipped = CHILD if header.flags == INDEX_INTERIOR else 0
    for begin in header.pointers:
        at = begin + skipped
        rowid: int | None = None
        if not header.end <= begin <= end_of_page - LEAST_CELL:
            found.append(Place(begin, at, begin, 0, 0, None, Why.CELL_POINTER))
            continue
        try:
            size, at = varint(data, at)
            if keyed:
                rowid, at = varint(data, at)
                rowid = signed(rowid)
        except IndexError:
            found.append(Place(begin, at, end_of_page, 0, 0, None, Why.CELL_CUT))
            continue
        local = limit.local(size)
        end = max(at + local, begin + LEAST_CELL) if local == size else at + local + CHILD
        if end > end_of_page:
            found.append(Place(begin, at, end_of_page, size, local, rowid, Why.CELL_CUT))
        else:
            found.append(Place(begin, at, end, size, local, rowid, None))
    return found


def _believed(data: bytes, found: list[Place], usable: int, keyed: bool) -> list[Place]:
    """Return the places of a page on which not everything adds up, with what is wrong with them."""
    found = [
        place._replace(why=Why.RECORD) if place.why is None and not _agrees(data, place) else place
        for place in found
    ]
    good = [slot for slot, place in enumerate(found) if place.why is None]
    overlapping = _overlapping([found[slot] for slot in good], usable)
    overlapping = {good[at] for at in overlapping}
    for slot in overlapping:
        found[slot] = found[slot]._replace(why=Why.CELL_OVERLAP)
    if keyed:
        good = [slot for slot in good if slot not in overlapping]
        rising = _longest_rise([found[slot].rowid or 0 for slot in good])
        for at in set(range(len(good))) - rising:
            found[good[at]] = found[good[at]]._replace(why=Why.ROWID_ORDER)
    return found


def _overlapping(found: list[Place], usable: int) -> set[int]:
    """Return which cells lie on bytes of another that fits no worse between its neighbours.

    SQLite lays the cells of a page end to end, as far as nothing was deleted.
    """
    begins = {place.begin for place in found} | {usable}
    ends = {place.end for place in found}
    fit = [(place.end in begins) + (place.begin in ends) for place in found]
    refused: set[int] = set()
    owner = -1
    for at in sorted(range(len(found)), key=lambda at: found[at].begin):
        if owner >= 0 and found[at].begin < found[owner].end:
            refused |= {at} if fit[at] <= fit[owner] else set()
            refused |= {owner} if fit[owner] <= fit[at] else set()
            if fit[at] < fit[owner] or (fit[at] == fit[owner] and found[at].end < found[owner].end):
                continue
        owner = at
    return refused


def _agrees(data: bytes, place: Place) -> bool:
    """Whether a record's header gives the size that its cell tells, as far as it lies here."""
    record = data[place.at : place.at + place.local]
    try:
        if place.local < place.size and (size := varint(record, 0)[0]) > place.local:
            # With small pages and many columns the header itself goes on elsewhere.
            return size <= min(place.size, _MOST_HEADER)
        head = read_header(record, 0)
    except (NoRecord, IndexError):
        return False
    return bool(head.types) and head.size + head.body == place.size


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return the places of a longest strictly rising part of some numbers."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for at, number in enumerate(numbers):
        length = bisect_left(tails, number)
        before.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [number]
        ends[length : length + 1] = [at]
    rise: set[int] = set()
    at = ends[-1] if ends else -1
    while at >= 0:
        rise.add(at)
        at = before[at]
    return rise
