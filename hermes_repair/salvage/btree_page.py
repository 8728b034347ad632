"""The header of a b-tree page, and where on it each cell lies.

(Layout: https://sqlite.org/fileformat2.html#b_tree_pages)
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from hermes_repair.salvage.database_header import HEADER_SIZE

INDEX_INTERIOR, TABLE_INTERIOR, INDEX_LEAF, TABLE_LEAF = 2, 5, 10, 13
"""The first byte of each kind of b-tree page."""

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
"""The least and the greatest rowid; as bounds of one they say nothing."""

LEAF_HEADER, INTERIOR_HEADER = 8, 12
CHILD = 4
_LEAST_CELL = 4
_FIXED = struct.Struct(">BHHHB")
_NUMBER = struct.Struct(">I")
_FREEBLOCK = struct.Struct(">HH")


class PageHeader(NamedTuple):
    """What a b-tree page says of itself. ``begin``: 100 on page 1, else 0. ``right``: the
    rightmost child of an interior page, else 0. ``pointers``: the offset of each cell. ``end``:
    where these end; no cell begins before."""

    flags: int
    begin: int
    freeblock: int
    content: int
    fragments: int
    right: int
    pointers: tuple[int, ...]
    end: int


class Limits(NamedTuple):
    """How much of a payload lies on the page itself, by the usable size and the kind of page."""

    most: int  # a payload up to this lies there whole
    least: int
    per_page: int  # of each overflow page

    def local(self, size: int) -> int:
        """Return how many bytes of a payload of ``size`` bytes lie on the page."""
        if size <= self.most:
            return size
        local = self.least + (size - self.least) % self.per_page
        return local if local <= self.most else self.least


@lru_cache(maxsize=32)
def limits(usable: int, flags: int) -> Limits:
    """Return the limits of a kind of page with rows."""
    least = (usable - 12) * 32 // 255 - 23
    most = usable - 35 if flags == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    return Limits(most, least, usable - 4)


def begin_of(page: int) -> int:
    """Return where the b-tree header of a page begins."""
    return HEADER_SIZE if page == 1 else 0


@lru_cache(maxsize=4096)
def _pointer_array(count: int) -> struct.Struct:
    return struct.Struct(f">{count}H")


def read_page_header(data: bytes, page: int, usable: int) -> PageHeader | None:
    """Read the header of a b-tree page; None where it cannot be one.

    Believed are the kind and the number of cells, if their pointers fit; :func:`is_sound` tells
    whether the rest agrees.
    """
    begin = begin_of(page)
    if len(data) < begin + INTERIOR_HEADER:
        return None
    flags, freeblock, count, content, fragments = _FIXED.unpack_from(data, begin)
    if flags in (TABLE_LEAF, INDEX_LEAF):
        right, at = 0, begin + LEAF_HEADER
    elif flags in (TABLE_INTERIOR, INDEX_INTERIOR):
        right, at = _NUMBER.unpack_from(data, begin + LEAF_HEADER)[0], begin + INTERIOR_HEADER
    else:
        return None
    if at + count * (2 + _LEAST_CELL) > usable or at + 2 * count > len(data):
        return None
    pointers = _pointer_array(count).unpack_from(data, at)
    content, end = content or 65536, at + 2 * count
    return PageHeader(flags, begin, freeblock, content, fragments, right, pointers, end)


def is_sound(header: PageHeader, usable: int) -> bool:
    """Whether the fields of a header agree with each other and with its cell pointers."""
    if not header.end <= header.content <= usable:
        return False
    if header.freeblock and not header.content <= header.freeblock <= usable - _FREEBLOCK.size:
        return False
    pointers = header.pointers
    return not pointers or (
        min(pointers) >= header.content and max(pointers) <= usable - _LEAST_CELL
    )


def free_bytes(data: bytes, header: PageHeader, usable: int) -> int | None:
    """Return the bytes of freeblocks and fragments; None where the chain of blocks is broken."""
    free, at = header.fragments, header.freeblock
    before = header.content - 1
    while at:
        if not before < at <= usable - _FREEBLOCK.size or at + _FREEBLOCK.size > len(data):
            return None
        following, size = _FREEBLOCK.unpack_from(data, at)
        before = at + size - 1
        free += size
        at = following
        if size < _FREEBLOCK.size or before >= usable:
            return None
    return free


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned variable-length integer and where it ends.

    Raises ``IndexError`` where the data end within it.
    """
    byte = data[at]
    if byte < 128:  # most have one byte or two, and there are millions
        return byte, at + 1
    value = byte & 127
    byte = data[at + 1]
    if byte < 128:
        return value << 7 | byte, at + 2
    value = value << 7 | byte & 127
    byte = data[at + 2]
    if byte < 128:  # a rowid between 16 thousand and 2 million
        return value << 7 | byte, at + 3
    value = value << 7 | byte & 127
    for place in range(at + 3, at + 8):
        byte = data[place]
        if byte < 128:
            return value << 7 | byte, place + 1
        value = value << 7 | byte & 127
    return value << 8 | data[at + 8], at + 9


def signed(value: int) -> int:
    """Return a rowid or key: 64 bits in two's complement."""
    return value - (1 << 64) if value >> 63 else value


def children(data: bytes, header: PageHeader) -> list[tuple[int, int | None]]:
    """Return the children of an interior page, each with the greatest rowid below it.

    The key is None in an index b-tree, for the last child, and where the cell is cut off; a pointer
    that leads off the page gives no child.
    """
    found: list[tuple[int, int | None]] = []
    keyed = header.flags == TABLE_INTERIOR
    least, most = header.end, len(data) - CHILD
    for at in header.pointers:
        if not least <= at <= most:
            continue
        child = _NUMBER.unpack_from(data, at)[0]
        key: int | None = None
        if keyed:
            try:
                key = signed(varint(data, at + CHILD)[0])
            except IndexError:
                key = None
        found.append((child, key))
    found.append((header.right, None))
    return found
