"""Reads a hot rollback journal: the pages as they were before a write that was cut off.

SQLite's rules: the first original of a page wins, a journal may have many headers (one per sync),
each at the start of a sector, and the database had as many pages as the first one says. A record
that fails its checksum ends SQLite's rollback; here the rest is put back too.
(Layout: https://sqlite.org/fileformat2.html#the_rollback_journal)
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from dataclasses import dataclass

from hermes_repair.salvage.database_header import PAGE_SIZES
from hermes_repair.salvage.notes import Fact

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER = struct.Struct(">8sIIIII")
_NUMBER = struct.Struct(">I")
_TO_THE_END = 0xFFFFFFFF
_SEARCHED = 1 << 20
_SECTORS = tuple(1 << bits for bits in range(5, 17))


@dataclass(frozen=True, slots=True)
class JournalImage:
    """What a hot journal puts back: the offset of each page in it, and how many pages there were.

    ``torn``: pages of which every original that it has fails its checksum.
    """

    page_size: int
    pages: int
    originals: dict[int, int]
    torn: frozenset[int]
    facts: Counter[Fact]


def read_journal_image(descriptor: int) -> JournalImage | None:
    """Read a whole journal; None where its transaction had ended or there was none."""
    size = os.fstat(descriptor).st_size
    head = _header(descriptor, 0)
    if head is None:
        return None
    _, _, pages, sector, page_size = head
    if sector not in _SECTORS or page_size not in PAGE_SIZES:
        return None
    stride = page_size + 2 * _NUMBER.size
    originals: dict[int, int] = {}
    torn: set[int] = set()
    begin = 0
    while begin < size:
        head = _header(descriptor, begin)
        if head is None or head[2:] != (pages, sector, page_size):
            begin = _next_magic(descriptor, begin + sector, sector, size)
            continue
        records, nonce, *_ = head
        at = begin + sector
        there = max(size - at, 0) // stride
        for _ in range(there if records == _TO_THE_END else min(records, there)):
            record = os.pread(descriptor, stride, at)
            page = _NUMBER.unpack_from(record)[0]
            if 0 < page <= pages and page not in originals:
                if _is_sound(record, nonce):
                    originals[page] = at + _NUMBER.size
                else:
                    torn.add(page)
            at += stride
        begin = max(-(-at // sector) * sector, begin + sector)
    torn -= originals.keys()
    facts = Counter({Fact.JOURNAL_APPLIED: len(originals), Fact.JOURNAL_RECORD_TORN: len(torn)})
    return JournalImage(page_size, pages, originals, frozenset(torn), +facts)


def _header(descriptor: int, at: int) -> tuple[int, int, int, int, int] | None:
    """Return records, nonce, pages before, sector size and page size of a header; None for none."""
    data = os.pread(descriptor, _HEADER.size, at)
    if len(data) < _HEADER.size:
        return None
    magic, *values = _HEADER.unpack(data)
    records, nonce, pages, sector, page_size = values
    return (records, nonce, pages, sector, page_size) if magic == _MAGIC else None


def _next_magic(descriptor: int, begin: int, sector: int, size: int) -> int:
    """Return where the next header may be: at the start of a sector; ``size`` for nowhere."""
    while begin < size:
        data = os.pread(descriptor, _SEARCHED, begin)
        found = data.find(_MAGIC)
        while found >= 0 and (begin + found) % sector:
            found = data.find(_MAGIC, found + 1)
        if found >= 0:
            return begin + found
        begin += max(len(data) - len(_MAGIC) + 1, 1)
    return size


def _is_sound(record: bytes, nonce: int) -> bool:
    """Whether the checksum of a record is right: SQLite samples every 200th byte from the end."""
    image = record[_NUMBER.size : -_NUMBER.size]
    summed = nonce + sum(image[len(image) - 200 : 0 : -200])
    return bool(_NUMBER.unpack_from(record, len(record) - _NUMBER.size)[0] == summed & 0xFFFFFFFF)
