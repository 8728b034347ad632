"""The first pass of a survey: what each page is by its own bytes."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hermes_repair.salvage.btree_page import (
    CHILD,
    INDEX_INTERIOR,
    INDEX_LEAF,
    TABLE_INTERIOR,
    TABLE_LEAF,
    PageHeader,
    is_sound,
    read_page_header,
    signed,
    varint,
)
from hermes_repair.salvage.first_rows import FirstRowsOfPages, first_rows
from hermes_repair.salvage.freelist import may_be_trunk
from hermes_repair.salvage.leaves import PageKind
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.schema_rows import LONGEST_HEADER, may_hold_schema_rows

_TOLD_EVERY = 4096
_NO_RECORD = 256
_BTREE = {
    TABLE_LEAF: PageKind.TABLE_LEAF,
    TABLE_INTERIOR: PageKind.TABLE_INTERIOR,
    INDEX_LEAF: PageKind.INDEX_LEAF,
    INDEX_INTERIOR: PageKind.INDEX_INTERIOR,
}


@dataclass(slots=True)
class PageKinds:
    """What was seen of each page; arrays have an entry per page, 0 unused.

    ``first`` and ``last``: the least and greatest rowid of a table leaf, or key of a table interior
    page. ``begins``: what the table leaves begin with. ``damaged``: pages that begin as b-tree
    pages do, but do not add up. ``trunks``: pages with the shape of a freelist trunk. ``schema``:
    leaves that may hold rows of sqlite_master.
    """

    kinds: bytearray
    first: array[int]
    last: array[int]
    begins: FirstRowsOfPages
    interiors: list[int] = field(default_factory=list)
    damaged: dict[int, PageKind] = field(default_factory=dict)
    trunks: list[int] = field(default_factory=list)
    schema: list[int] = field(default_factory=list)


def look_at_pages(image: PageImage, progress: Callable[[int], None]) -> PageKinds:
    """Look at every page once, in file order."""
    count, usable = image.page_count, image.usable
    seen = PageKinds(
        bytearray(count + 1),
        array("q", bytes(8 * count + 8)),
        array("q", bytes(8 * count + 8)),
        FirstRowsOfPages(count),
    )
    kinds, zeros = seen.kinds, bytes(image.page_size)
    maps = _pointer_maps(image)
    next_map, lock_page = next(maps), image.lock_page
    for number, data in image.pages():
        if number % _TOLD_EVERY == 0:
            progress(number)
        if number == next_map:
            next_map = next(maps)
            kinds[number] = PageKind.POINTER_MAP if data is not None else PageKind.UNREAD
        elif number == lock_page:
            kinds[number] = PageKind.LOCK_BYTE
        elif data is not None:
            header = read_page_header(data, number, usable)
            if header is not None:
                _note_btree(seen, number, data, header, usable)
            elif number == 1:
                kinds[number] = PageKind.GARBAGE
            else:
                kinds[number] = _other_kind(data, zeros, count)
                if kinds[number] == PageKind.OVERFLOW and may_be_trunk(data, usable, count):
                    seen.trunks.append(number)
    progress(count)
    return seen


def _note_btree(seen: PageKinds, number: int, data: bytes, header: PageHeader, usable: int) -> None:
    kind = _BTREE[header.flags]
    if not is_sound(header, usable):
        seen.kinds[number] = PageKind.GARBAGE
        seen.damaged[number] = kind
        return
    seen.kinds[number] = kind
    shortest = note_keys(seen, number, data, header)
    if header.right:
        seen.interiors.append(number)
    elif header.flags == TABLE_LEAF:
        seen.begins.note(number, first_rows(data, header, usable))
    if shortest <= LONGEST_HEADER and may_hold_schema_rows(data, header):
        seen.schema.append(number)


def note_keys(seen: PageKinds, number: int, data: bytes, header: PageHeader) -> int:
    """Note the least and the greatest key of a page of a table.

    Returns the size of the shorter header of the first and the last record of a leaf.
    """
    shortest = _NO_RECORD
    if not header.pointers or header.flags not in (TABLE_LEAF, TABLE_INTERIOR):
        return shortest
    for keys, at in ((seen.first, header.pointers[0]), (seen.last, header.pointers[-1])):
        try:
            if header.flags == TABLE_LEAF:
                key, record = varint(data, varint(data, at)[1])
                shortest = min(shortest, data[record])
            else:
                key, _ = varint(data, at + CHILD)
            keys[number] = signed(key)
        except IndexError:
            continue  # the page is cut there: its cells are tried one by one when they are read
    return shortest


def _other_kind(data: bytes, zeros: bytes, pages: int) -> PageKind:
    if data == zeros or not any(data):
        return PageKind.ZERO
    following = int.from_bytes(data[:CHILD], "big")
    return PageKind.OVERFLOW if following <= pages and len(data) >= CHILD else PageKind.GARBAGE


def _pointer_maps(image: PageImage) -> Iterator[int]:
    """Yield the numbers of the pointer-map pages, and 0 after the last."""
    if image.auto_vacuum:
        step = image.usable // 5 + 1
        for number in range(2, image.page_count + 1, step):
            yield number + (number == image.lock_page)
    while True:
        yield 0
