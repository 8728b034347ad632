"""SQLite values as this project carries them: exact, typed, comparable.

SQLite does not check that TEXT is UTF-8, and JSON cannot carry NUL, BLOB or Infinity, so a value
travels as one of the Python types below and never as SQL text (anchors, section 3.5).
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class RawText:
    """TEXT whose bytes are not valid UTF-8; goes back with ``CAST(? AS TEXT)``."""

    data: bytes


Value: TypeAlias = int | float | str | bytes | RawText | None
Row: TypeAlias = Mapping[str, Value]


def decode_text(data: bytes) -> str | RawText:
    """Return TEXT bytes as ``str`` where they are UTF-8, else unharmed as :class:`RawText`."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return RawText(data)


def text(value: Value) -> str | None:
    """Return a value as text that keeps its identity: invalid UTF-8 by ``surrogateescape``."""
    match value:
        case None | str():
            return value
        case RawText(data):
            return data.decode("utf-8", "surrogateescape")
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case _:
            return str(value)


def stored(name: str) -> str | RawText:
    """Return a text of :func:`text` as SQLite can keep it: the bytes that its escapes stand for."""
    if name.isascii():
        return name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return RawText(name.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:
            return RawText(name.encode("utf-8", "surrogatepass"))
    return name


def encode_value(value: Value) -> tuple[str, bytes]:
    """Return (storage class, canonical bytes): equal iff SQLite would call the values identical."""
    if type(value) is str:  # by far the most; a match asks five questions before it comes to this
        return "text", value.encode("utf-8", "surrogatepass")
    match value:
        case None:
            return "null", b""
        case bool():
            return "integer", str(int(value)).encode()
        case int():
            return "integer", str(value).encode()
        case float():
            return "real", struct.pack(">d", value)
        case str():
            return "text", value.encode("utf-8", "surrogatepass")
        case RawText(data):
            return "text", data
        case bytes():
            return "blob", value
    raise TypeError(f"not a SQLite value: {type(value).__name__}")


_LONGEST_INTEGER = len(str(-(2**63)))


def decode_value(storage: str, data: bytes) -> Value:
    """Return the value that :func:`encode_value` gave these for; ``ValueError`` where none has."""
    match storage:
        case "null":
            return None
        case "integer" if len(data) <= _LONGEST_INTEGER:
            number = int(data)
            if -(2**63) <= number < 2**63:
                return number
        case "real":
            try:
                return float(struct.unpack(">d", data)[0])
            except struct.error as error:
                raise ValueError("not a number of eight bytes") from error
        case "text":
            return decode_text(data)
        case "blob":
            return data
    raise ValueError(f"not a value of SQLite's: {storage!r}, {len(data)} bytes")


def same_value(left: Value, right: Value) -> bool:
    """Whether two values are identical in storage class and bytes (``1`` is not ``1.0``)."""
    if type(left) is str and type(right) is str:
        return left == right
    return encode_value(left) == encode_value(right)


def row_size(row: Row) -> int:
    """Return about how many bytes the values of a row take."""
    return sum(len(encode_value(value)[1]) for value in row.values())


def row_digest(row: Row, columns: Iterable[str]) -> str:
    """Return one hash over the named columns of a row, in that order."""
    parts: list[bytes] = []
    for column in columns:
        storage, data = encode_value(row[column])
        parts += (_head(column, storage), len(data).to_bytes(8, "big"), data)
    return hashlib.sha256(b"".join(parts)).hexdigest()


@cache  # the columns of a few tables, for every row of a plan
def _head(*parts: str) -> bytes:
    """Return texts, each after its length, so that no two lists of parts look the same."""
    return b"".join(len(data).to_bytes(8, "big") + data for data in map(str.encode, parts))


def number(value: Value) -> float | None:
    """Return a value as a finite number, ``None`` where it is none."""
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def whole(value: Value) -> int:
    """Return a value as the integer that it is (a count, an id), 0 where it is none."""
    return value if isinstance(value, int) else 0


def is_unreadable(value: Value) -> bool:
    """Whether Hermes fails on a value in ``sessions`` or ``messages``: bytes, or no UTF-8.

    Every release (0.13.0 to 0.19.0) stores text and numbers there, and reads whole rows: one such
    value makes every list of sessions, or the loading of the chat, fail.
    """
    return isinstance(value, bytes | RawText)


def readable(value: Value) -> str:
    """Return an id for a reader, whatever its type turned out to be."""
    return value if isinstance(value, str) else repr(value)
