"""Records: a header of serial types, then the values.

(Layout: https://sqlite.org/fileformat2.html#record_format)
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from hermes_repair.model.values import RawText, Value, decode_text
from hermes_repair.salvage.btree_page import varint
from hermes_repair.salvage.database_header import Encoding

NUMBER_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
"""Bytes of the values of serial types 0 to 9; 10 and 11 are never stored."""
_SIZES = (*NUMBER_SIZES, 0, 0)
_FIRST_OF_LENGTH = 12
_LONGEST_HEADER = 98_307  # bytes; of 32,767 columns, as SQLite itself limits it
_LARGEST_TYPE = 1 << 40
_HEADERS_KEPT, _LONGEST_KEPT = 4096, 128
_REAL = struct.Struct(">d")


class NoRecord(ValueError):
    """The bytes are no record."""


class RecordHeader(NamedTuple):
    """The header of a record: its own size, the serial types, and the bytes that these take."""

    size: int
    types: tuple[int, ...]
    body: int


def read_header(data: bytes, at: int) -> RecordHeader:
    """Read the header of a record.

    Raises :class:`NoRecord` where it is none, also where the data end within it.
    """
    try:
        size, begin = data[at], at + 1
        if size > 127:
            size, begin = varint(data, at)
    except IndexError:
        raise NoRecord from None
    end = at + size
    if end < begin or end > len(data) or size > _LONGEST_HEADER:
        raise NoRecord
    read = _header_kept if size <= _LONGEST_KEPT else _header
    return read(size, data[begin:end])


def _header(size: int, serial: bytes) -> RecordHeader:
    """Read the serial types of a header of ``size`` bytes."""
    types: list[int] = []
    kind = body = 0
    for byte in serial:
        if byte > 127:
            kind = (kind | byte & 127) << 7
            if kind > _LARGEST_TYPE:
                raise NoRecord
            continue
        kind |= byte
        types.append(kind)
        body += (kind - _FIRST_OF_LENGTH) >> 1 if kind >= _FIRST_OF_LENGTH else _SIZES[kind]
        kind = 0
    if kind or 10 in types or 11 in types:
        raise NoRecord
    return RecordHeader(size, tuple(types), body)


# Most rows of an index have the same header, and so have many of a table.
_header_kept = lru_cache(maxsize=_HEADERS_KEPT)(_header)


def body_size(types: Sequence[int]) -> int:
    """Return how many bytes the values of these types take."""
    return sum(
        (kind - _FIRST_OF_LENGTH) >> 1 if kind >= _FIRST_OF_LENGTH else NUMBER_SIZES[kind]
        for kind in types
    )


def decode_record(data: bytes, at: int, size: int, encoding: Encoding) -> tuple[Value, ...]:
    """Return the values of a record of exactly ``size`` bytes.

    Raises :class:`NoRecord` where header, types and size do not agree.
    """
    head, types, body = read_header(data, at)
    if head + body != size or at + size > len(data):
        raise NoRecord
    values: list[Value] = []
    keep = values.append
    codec = encoding.codec
    place = at + head
    for kind in types:
        if kind >= _FIRST_OF_LENGTH:
            end = place + ((kind - _FIRST_OF_LENGTH) >> 1)
            if kind & 1:
                try:
                    keep(data[place:end].decode(codec))
                except UnicodeDecodeError:
                    keep(stored_text(data[place:end], encoding))
            else:
                keep(data[place:end])
            place = end
        elif kind == 0:
            keep(None)
        elif kind == 7:
            keep(_real(data[place : place + 8]))
            place += 8
        elif kind >= 8:
            keep(kind - 8)
        elif kind == 1:
            byte = data[place]
            keep(byte - 256 if byte > 127 else byte)
            place += 1
        else:
            end = place + NUMBER_SIZES[kind]
            keep(int.from_bytes(data[place:end], "big", signed=True))
            place = end
    return tuple(values)


def decode_some(
    data: bytes, header: RecordHeader, wanted: Collection[int], encoding: Encoding
) -> tuple[Value, ...]:
    """Return the values of a record with None for all but the wanted columns.

    ``data`` is the record, at least as far as these; :func:`end_of` says how far they reach.
    """
    values: list[Value] = []
    place = header.size
    for column, kind in enumerate(header.types):
        size = (kind - _FIRST_OF_LENGTH) >> 1 if kind >= _FIRST_OF_LENGTH else NUMBER_SIZES[kind]
        values.append(
            decode_value(kind, data[place : place + size], encoding) if column in wanted else None
        )
        place += size
    return tuple(values)


def end_of(header: RecordHeader, wanted: Collection[int]) -> int:
    """Return how many bytes of a record its wanted columns need."""
    last = max((column for column in wanted if column < len(header.types)), default=-1)
    return header.size + body_size(header.types[: last + 1])


def decode_value(kind: int, data: bytes, encoding: Encoding) -> Value:
    """Return one value of a serial type."""
    if kind >= _FIRST_OF_LENGTH:
        return stored_text(data, encoding) if kind & 1 else data
    if kind == 0:
        return None
    if kind == 7:
        return _real(data)
    return kind - 8 if kind >= 8 else int.from_bytes(data, "big", signed=True)


def stored_text(data: bytes, encoding: Encoding) -> str | RawText:
    """Return TEXT as SQLite gives it: bytes of UTF-8 as they are, UTF-16 made into UTF-8."""
    if encoding is Encoding.UTF8:
        return decode_text(data)
    try:
        return data.decode(encoding.codec)
    except UnicodeDecodeError:
        return decode_text(_utf8_of_utf16(data, encoding))


def _utf8_of_utf16(data: bytes, encoding: Encoding) -> bytes:
    """Return UTF-8 of broken UTF-16 as SQLite makes it (utf.c, READ_UTF16LE and WRITE_UTF8).

    An odd byte at the end is dropped. A surrogate takes whatever follows it as its other half; the
    last one of a text stands alone, in three bytes.
    """
    order = "<" if encoding is Encoding.UTF16LE else ">"
    units = iter(struct.unpack(f"{order}{len(data) // 2}H", data[: len(data) // 2 * 2]))
    out = bytearray()
    for unit in units:
        code = unit
        if 0xD800 <= unit < 0xE000:
            other = next(units, None)
            if other is not None:
                code = (other & 0x3FF) + ((unit & 0x3F) << 10) + (((unit & 0x3C0) + 0x40) << 10)
        out += _wtf8(code)
    return bytes(out)


def _wtf8(code: int) -> bytes:
    """Return a code point in UTF-8, a lone surrogate too."""
    return chr(code).encode("utf-8", "surrogatepass")


def _real(data: bytes) -> float | None:
    """Return a REAL; SQLite reads a NaN as NULL."""
    if len(data) < _REAL.size:
        raise NoRecord
    (value,) = _REAL.unpack(data)
    return value if value == value else None
