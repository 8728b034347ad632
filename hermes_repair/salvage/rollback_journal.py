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
    begin, headers_lost, cut = 0, 0, False
    while begin < size:
        at = begin + sector
        there = max(size - at, 0) // stride
        head = _header(descriptor, begin)
        if head is not None and head[2:] == (pages, sector, page_size):
            records, nonce, *_ = head
        elif _ends_here(descriptor, begin, (pages, sector, page_size)):
            break
        else:
            following = _next_magic(descriptor, at, sector, size)
            guessed = _nonce_of_two(descriptor, at, stride)
            if guessed is None:
                cut |= following - at >= stride
                begin = following
                continue
            records, nonce = (following - at) // stride, guessed
            headers_lost += 1
        cut |= there < records != _TO_THE_END
        for _ in range(there if records == _TO_THE_END else min(records, there)):
            record = os.pread(descriptor, stride, at)
            page = _NUMBER.unpack_from(record)[0]
            proven = _nonce(record) == nonce
            if not 0 < page <= pages or page in originals:
                cut |= not proven  # its number is damaged too, which no checksum covers
            elif proven:
                originals[page] = at + _NUMBER.size
            else:
                torn.add(page)
            at += stride
        begin = max(-(-at // sector) * sector, begin + sector)
        # Behind its last record, and before the next header is whole, no journal ends by itself.
        cut |= at < size < begin + _HEADER.size and records != _TO_THE_END
    torn -= originals.keys()
    facts = Counter(
        {
            Fact.JOURNAL_APPLIED: len(originals),
            Fact.JOURNAL_RECORD_TORN: len(torn),
            Fact.JOURNAL_HEADER_LOST: headers_lost,
            Fact.JOURNAL_CUT: int(cut),
        }
    )
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


def _ends_here(descriptor: int, begin: int, layout: tuple[int, int, int]) -> bool:
    """Whether what begins here was never to be put back.

    A header gets its magic and count when its records are on the disk; before that the pages in the
    main file are still the old ones. And where an earlier journal goes on in the same file
    (``journal_mode=PERSIST``), SQLite cuts the first byte of its header.
    """
    data = os.pread(descriptor, _HEADER.size, begin)
    if len(data) < _HEADER.size:
        return True
    magic, records, _, *values = _HEADER.unpack(data)
    unsynced = not any(magic) and records == 0 and tuple(values) == layout
    return unsynced or magic == b"\0" + _MAGIC[1:]


def _nonce_of_two(descriptor: int, at: int, stride: int) -> int | None:
    """Return the nonce that two records have in common whose header is damaged; None for none."""
    records = [os.pread(descriptor, stride, at + stride * number) for number in (0, 1)]
    if len(records[1]) < stride:
        return None
    first, second = map(_nonce, records)
    return first if first == second else None


def _nonce(record: bytes) -> int:
    """Return the nonce under which the checksum of a record is right.

    The checksum is the nonce and every 200th byte of the page from its end.
    """
    image = record[_NUMBER.size : -_NUMBER.size]
    stored: int = _NUMBER.unpack_from(record, len(record) - _NUMBER.size)[0]
    return (stored - sum(image[len(image) - 200 : 0 : -200])) & 0xFFFFFFFF
