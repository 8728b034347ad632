"""Page size, encoding and auto-vacuum of a database whose page 1 is gone.

A guess by plausible headers fails. What holds is the sum: on every b-tree page the content begins
where its header says, and cells, free blocks and fragments fill the rest to the byte.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator

from hermes_repair.salvage.btree_page import (
    INDEX_INTERIOR,
    INDEX_LEAF,
    TABLE_INTERIOR,
    TABLE_LEAF,
    read_page_header,
)
from hermes_repair.salvage.cell_places import adds_up, places
from hermes_repair.salvage.database_header import PAGE_SIZES, Encoding
from hermes_repair.salvage.records import NUMBER_SIZES, NoRecord, read_header

_CHUNK = 1 << 20
_CHUNKS = 64
_FIRST_BYTES = frozenset({INDEX_INTERIOR, TABLE_INTERIOR, INDEX_LEAF, TABLE_LEAF})
_TEXTS = 2000
_ENOUGH = 50
_ENTRY = 5  # bytes of a pointer map's entry: a kind, and the parent
_ENTRIES = 20
_WITHOUT_PARENT = (1, 2)  # a root, a free page


def deduce_page_size(descriptor: int, size: int) -> int | None:
    """Return the page size under which the most bytes add up; None where no page does.

    At most 64 MB of the file are read, spread over it. Pages are taken to have no reserved bytes.
    """
    explained: Counter[int] = Counter()
    for chunk in _sample(descriptor, size):
        for at in range(0, len(chunk), PAGE_SIZES[0]):
            if chunk[at] not in _FIRST_BYTES:
                continue
            for page_size in PAGE_SIZES:
                if at % page_size:
                    break
                data = chunk[at : at + page_size]
                header = read_page_header(data, 0, page_size)
                if header and header.pointers and adds_up(data, header, page_size):
                    explained[page_size] += page_size
    return max(explained, key=explained.__getitem__, default=None)


def _sample(descriptor: int, size: int) -> Iterator[bytes]:
    """Yield the whole file, or chunks of it that are spread evenly; each begins at a page."""
    count = -(-size // _CHUNK)
    step = max(count / _CHUNKS, 1)
    for number in range(min(count, _CHUNKS)):
        yield os.pread(descriptor, _CHUNK, int(number * step) * _CHUNK)


def deduce_encoding(pages: Iterable[bytes], usable: int, told: Encoding | None) -> Encoding:
    """Return the encoding of the texts on some pages: in UTF-16 every other byte of ASCII is 0.

    What page 1 has ``told`` is believed unless no text at all is in it.
    """
    votes: Counter[Encoding] = Counter()
    for text in _texts(pages, usable):
        half = len(text) // 4  # of the units
        if text[1::2].count(0) > half:
            votes[Encoding.UTF16LE] += 1
        elif text[0::2].count(0) > half:
            votes[Encoding.UTF16BE] += 1
        else:
            votes[Encoding.UTF8] += _decodes(text, Encoding.UTF8)
        if votes.total() >= (_TEXTS if told is None else _ENOUGH):
            break
    if told is not None and (votes[told] or votes.total() < _ENOUGH):
        return told
    return max(Encoding, key=lambda encoding: votes[encoding])


def _decodes(text: bytes, encoding: Encoding) -> bool:
    try:
        text.decode(encoding.codec)
    except UnicodeDecodeError:
        return False
    return True


def _texts(pages: Iterable[bytes], usable: int) -> Iterator[bytes]:
    """Yield the bytes of texts that lie on table leaves that add up."""
    for data in pages:
        header = read_page_header(data, 0, usable)
        if header is None or header.flags != TABLE_LEAF or not adds_up(data, header, usable):
            continue
        for place in places(data, header, usable):
            record = data[place.at : place.at + place.local]
            try:
                at, types, _ = read_header(record, 0)
            except NoRecord:
                continue
            for kind in types:
                length = (kind - 12) >> 1 if kind >= 12 else NUMBER_SIZES[kind]
                if kind > 12 and kind & 1 and at + length <= len(record) and length:
                    yield record[at : at + length]
                at += length


def looks_like_pointer_map(data: bytes | None, pages: int) -> bool:
    """Whether page 2 is a pointer map: a kind from 1 to 5 for each page after it, and a parent."""
    if data is None:
        return False
    entries = [
        (data[at], int.from_bytes(data[at + 1 : at + _ENTRY], "big"))
        for at in range(0, _ENTRY * min(_ENTRIES, pages - 2), _ENTRY)
    ]
    return bool(entries) and all(
        1 <= kind <= 5 and (parent == 0) == (kind in _WITHOUT_PARENT) and parent <= pages
        for kind, parent in entries
    )
