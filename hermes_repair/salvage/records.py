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
_NEVER_STORED = (10, 11)
_FIRST_OF_LENGTH = 12
_LONGEST_HEADER = 98_307  # bytes; of 32,767 columns, as SQLite itself limits it
_LARGEST_TYPE = 1 << 40
_PATTERNS_KEPT, LONGEST_KEPT = 4096, 128
_REAL = struct.Struct(">d")


class NoRecord(ValueError):
    """The bytes are no record."""


class RecordHeader(NamedTuple):
    """The header of a record: its own size, the serial types, and the bytes that these take."""

    size: int
    types: tuple[int, ...]
    body: int


_GOES_ON = 128
_CLASSES = bytes(
    byte if byte < _FIRST_OF_LENGTH else byte & 1 | _FIRST_OF_LENGTH if byte < 128 else _GOES_ON
    for byte in range(256)
)
"""What a byte of a header says but for the length of a text or BLOB: the table of a pattern."""
_IN_ONE, _IN_TWO, _IN_MORE = 12, 13, 14
"""Of a value whose length differs from row to row: in how many bytes its serial type stands."""


class _Pattern(NamedTuple):
    """What the headers of many rows of a table have in common: all but the lengths of texts.

    ``types`` of each column, 12 for any BLOB and 13 for any text; ``values`` where the type alone
    says the value (NULL, 0 and 1), None for the others. ``stored`` are those that take bytes in the
    record: the column, its serial type, and where that stands in the header. ``_IN_ONE``,
    ``_IN_TWO`` and ``_IN_MORE`` in place of a type: it is to be read there.
    """

    types: tuple[int, ...]
    values: list[Value]
    stored: tuple[tuple[int, int, int, int], ...]


def _pattern(classes: bytes) -> _Pattern:
    """Take the serial types of a header apart, each byte as ``_CLASSES`` has it."""
    types: list[int] = []
    values: list[Value] = []
    stored: list[tuple[int, int, int, int]] = []
    begin = 0
    for at, kind in enumerate(classes):
        if kind == _GOES_ON:
            continue
        if begin < at or kind >= _FIRST_OF_LENGTH:
            stored.append((len(types), _IN_ONE + min(at - begin, 2), begin, at + 1))
        elif kind in _NEVER_STORED:
            raise NoRecord
        elif NUMBER_SIZES[kind]:
            stored.append((len(types), kind, begin, at + 1))
        fixed = begin == at and kind < _FIRST_OF_LENGTH
        types.append(kind if fixed else _FIRST_OF_LENGTH | kind & 1)
        values.append(kind - 8 if fixed and kind >= 8 else None)
        begin = at + 1
    if begin < len(classes):
        raise NoRecord  # the header ends within a serial type
    return _Pattern(tuple(types), values, tuple(stored))


# The rows of a table have few.
_pattern_kept = lru_cache(maxsize=_PATTERNS_KEPT)(_pattern)


def _header_at(data: bytes, at: int) -> tuple[int, bytes, _Pattern]:
    """Return the size of a record's header, the bytes of its serial types, and their pattern."""
    try:
        size, begin = data[at], at + 1
        if size > 127:
            size, begin = varint(data, at)
    except IndexError:
        raise NoRecord from None
    end = at + size
    if end < begin or end > len(data) or size > _LONGEST_HEADER:
        raise NoRecord
    serial = data[begin:end]
    pattern = _pattern_kept if size <= LONGEST_KEPT else _pattern
    return size, serial, pattern(serial.translate(_CLASSES))


def _serial_type(serial: bytes) -> int:
    """Return a serial type that may take several bytes."""
    if len(serial) == 2:  # of nearly every text that is no word
        kind = (serial[0] & 127) << 7 | serial[1]
    else:
        kind = 0
        for byte in serial[:-1]:
            kind = (kind | byte & 127) << 7
            if kind > _LARGEST_TYPE:
                raise NoRecord
        kind |= serial[-1]
    if kind in _NEVER_STORED:
        raise NoRecord
    return kind


def read_header(data: bytes, at: int) -> RecordHeader:
    """Read the header of a record.

    Raises :class:`NoRecord` where it is none, also where the data end within it.
    """
    size, serial, pattern = _header_at(data, at)
    types, body = list(pattern.types), 0
    for column, told, begin, end in pattern.stored:
        kind = told
        if told >= _IN_ONE:
            kind = types[column] = _serial_type(serial[begin:end])
        body += NUMBER_SIZES[kind] if kind < _FIRST_OF_LENGTH else (kind - _FIRST_OF_LENGTH) >> 1
    return RecordHeader(size, tuple(types), body)


def classes_of(data: bytes, at: int, size: int) -> tuple[int, ...]:
    """Return the serial types of a record of ``size`` bytes, 12 for any BLOB and 13 for any text.

    Raises :class:`NoRecord` where its header does not give that size.
    """
    head, serial, pattern = _header_at(data, at)
    types, end = pattern.types, head
    for column, told, first, last in pattern.stored:
        if told == _IN_ONE:
            kind = serial[first]
        else:
            kind = told if told < _IN_ONE else _serial_type(serial[first:last])
        if kind >= _FIRST_OF_LENGTH:
            end += (kind - _FIRST_OF_LENGTH) >> 1
        else:
            end += NUMBER_SIZES[kind]
            if told != kind:  # a small number in several bytes, as SQLite never writes it
                types = (*types[:column], kind, *types[column + 1 :])
    if end != size:
        raise NoRecord
    return types


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
    if at + size > len(data):
        raise NoRecord
    head, serial, pattern = _header_at(data, at)
    values = pattern.values.copy()
    codec = encoding.codec
    place = at + head
    for column, told, first, last in pattern.stored:
        kind = told
        if told >= _IN_ONE:
            if told == _IN_ONE:
                kind = serial[first]
            elif told == _IN_TWO:
                kind = (serial[first] & 127) << 7 | serial[first + 1]
            else:
                kind = _serial_type(serial[first:last])
            if kind >= _FIRST_OF_LENGTH:
                end = place + ((kind - _FIRST_OF_LENGTH) >> 1)
                if kind & 1:
                    try:
                        values[column] = data[place:end].decode(codec)
                    except UnicodeDecodeError:
                        values[column] = stored_text(data[place:end], encoding)
                else:
                    values[column] = data[place:end]
                place = end
                continue
            if kind in _NEVER_STORED:
                raise NoRecord
        end = place + NUMBER_SIZES[kind]
        values[column] = _number(kind, data[place:end])
        place = end
    if place != at + size:
        raise NoRecord
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
    return _number(kind, data)


def _number(kind: int, data: bytes) -> int | float | None:
    """Return a value of one of the serial types 0 to 9."""
    if 0 < kind < 7:
        return int.from_bytes(data, "big", signed=True)
    if kind == 7:
        if len(data) < _REAL.size:
            raise NoRecord
        (value,) = _REAL.unpack(data)
        return value if value == value else None  # SQLite reads a NaN as NULL
    return kind - 8 if kind else None


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
