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
from hermes_repair.salvage.schema_rows import is_schema_shape, may_hold_schema_rows

_TOLD_EVERY = 4096
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
    _schema_like: dict[int, bool] = field(default_factory=dict)

    def is_schema_like(self, page: int) -> bool:
        """Whether a table leaf begins like sqlite_master; True where it is not known how."""
        kind = self.begins.kind_of(page)
        found = self._schema_like.get(kind)
        if found is None:
            rows = self.begins.kinds[kind]
            found = self._schema_like[kind] = not kind or any(map(is_schema_shape, rows))
        return found


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
    note_keys(seen, number, data, header)
    if header.right:
        seen.interiors.append(number)
    elif header.flags == TABLE_LEAF:
        seen.begins.note(number, first_rows(data, header, usable))
        if seen.is_schema_like(number) and may_hold_schema_rows(data, header):
            seen.schema.append(number)


def note_keys(seen: PageKinds, number: int, data: bytes, header: PageHeader) -> None:
    """Note the least and the greatest key of a page of a table."""
    pointers = header.pointers
    if not pointers:
        return
    if header.flags == TABLE_LEAF:
        seen.first[number] = _rowid(data, pointers[0])
        alone = len(pointers) == 1
        seen.last[number] = seen.first[number] if alone else _rowid(data, pointers[-1])
    elif header.flags == TABLE_INTERIOR:
        seen.first[number] = _key(data, pointers[0])
        seen.last[number] = _key(data, pointers[-1])


def _rowid(data: bytes, cell: int) -> int:
    """Return the rowid of a table leaf's cell; 0 where the page is cut before its record."""
    try:
        rowid, record = varint(data, varint(data, cell)[1])
    except IndexError:  # its cells are tried one by one when they are read
        return 0
    return signed(rowid) if record < len(data) else 0


def _key(data: bytes, cell: int) -> int:
    """Return the key of a table interior page's cell; 0 where the page is cut within it."""
    try:
        return signed(varint(data, cell + CHILD)[0])
    except IndexError:
        return 0


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
