"""What the first rows of a table leaf are: what most pages are known by, without more of them."""

from __future__ import annotations

from array import array
from typing import TypeAlias

from hermes_repair.salvage.btree_page import (
    TABLE_LEAF,
    PageHeader,
    limits,
    read_page_header,
    varint,
)
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.records import LONGEST_KEPT, NoRecord, classes_of

ROWS_ASKED = 4
FirstRows: TypeAlias = tuple[tuple[int, ...], ...]
"""The serial types of each of the first rows, 12 for any BLOB and 13 for any text."""

_KINDS_KEPT = 4096


def first_rows(data: bytes, header: PageHeader, usable: int) -> FirstRows:
    """Return the serial types of the first rows of a table leaf, at most ``ROWS_ASKED``.

    Empty where one of them does not agree with itself, or its header is not on the page: such a
    page is read in another way.
    """
    found = []
    limit = limits(usable, header.flags)
    least, most, end_of_page = header.end, limit.most, min(usable, len(data))
    for begin in header.pointers[:ROWS_ASKED]:
        try:
            size, at = varint(data, begin)
            at = varint(data, at)[1]
            found.append(classes_of(data, at, size))
        except (NoRecord, IndexError):
            return ()
        if begin < least or at + (size if size <= most else limit.local(size)) > end_of_page:
            return ()
    return tuple(found)


def first_rows_of(image: PageImage, leaf: Leaf) -> FirstRows:
    """Read the first rows of a page; none where it is no table leaf by its own bytes."""
    data = image.page(leaf.page)
    header = read_page_header(data, leaf.page, image.usable) if data is not None else None
    if data is None or header is None or header.flags != TABLE_LEAF:
        return ()
    return first_rows(data, header, image.usable)


class FirstRowsOfPages:
    """The first rows of the pages that were looked at: two bytes a page, as few kinds occur."""

    def __init__(self, pages: int) -> None:
        """Take room for the pages of an image."""
        self._kind_of = array("H", bytes(2 * (pages + 1)))
        self._numbers: dict[FirstRows, int] = {(): 0}
        self.kinds: list[FirstRows] = [()]

    def note(self, page: int, rows: FirstRows) -> None:
        """Keep what a page begins with, unless that is too much."""
        number = self._numbers.get(rows)
        if number is None:
            if len(self.kinds) >= _KINDS_KEPT or any(len(row) > LONGEST_KEPT for row in rows):
                return
            number = self._numbers[rows] = len(self.kinds)
            self.kinds.append(rows)
        self._kind_of[page] = number

    def kind_of(self, page: int) -> int:
        """Return which of ``kinds`` a page begins with; 0 where it was not kept."""
        return self._kind_of[page]
