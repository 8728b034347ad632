"""The first 100 bytes of a database, as far as they can be believed."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

PAGE_SIZES = tuple(1 << bits for bits in range(9, 17))
HEADER_SIZE = 100
_MAGIC = b"SQLite format 3\0"
_FRACTIONS = b"\x40\x20\x20"  # of the payload; no other value was ever valid
_FIELDS = struct.Struct(">16sHBBB3s12I20sII")
_LEAST_USABLE = 480


class Encoding(Enum):
    """How a database stores text; ``codec`` is Python's name of it."""

    UTF8 = "utf-8"
    UTF16LE = "utf-16-le"
    UTF16BE = "utf-16-be"

    def __init__(self, codec: str) -> None:
        self.codec = codec  # asked for every text, and ``value`` is slow


ENCODINGS = {0: Encoding.UTF8, 1: Encoding.UTF8, 2: Encoding.UTF16LE, 3: Encoding.UTF16BE}
"""By the number in the header; 0 is a database without a table yet."""


@dataclass(frozen=True, slots=True)
class DatabaseHeader:
    """What page 1 says of the whole database.

    ``pages`` and the freelist are None where a version of SQLite wrote last that did not keep them.
    ``encoding`` is None where the number is none. ``changes`` goes up with every write.
    """

    page_size: int
    usable: int
    encoding: Encoding | None
    auto_vacuum: bool
    pages: int | None
    trunk: int
    free: int
    changes: int


def read_header(data: bytes) -> DatabaseHeader | None:
    """Read the header of a first page; None where it is none.

    It has to begin as SQLite's do or to have the three fractions that are always the same, and a
    page size that there is.
    """
    if len(data) < HEADER_SIZE:
        return None
    (
        magic, size, _, _, reserved, fractions, changed, pages, trunk, free, _, _, _, largest_root,
        encoding, _, _, _, _, valid_for, _,
    ) = _FIELDS.unpack_from(data)  # fmt: skip
    size = 65536 if size == 1 else size
    if size not in PAGE_SIZES or size - reserved < _LEAST_USABLE:
        return None
    if magic != _MAGIC and fractions != _FRACTIONS:
        return None
    return DatabaseHeader(
        page_size=size,
        usable=size - reserved,
        encoding=ENCODINGS.get(encoding),
        auto_vacuum=largest_root != 0,
        pages=pages if pages and valid_for == changed else None,
        trunk=trunk,
        free=free,
        changes=changed,
    )
