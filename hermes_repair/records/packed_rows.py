"""Whole rows that a unit takes out of the database to put them in again, packed for its receipt.

A message that gets another id is deleted and inserted. Between the two, and ever after, its receipt
is the second place that has it: its text too, because nothing else could give it back if the row
were lost. That is more than a receipt says of any other message, so receipts are 0600.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hermes_repair.model.values import Value, decode_value, encode_value

PACK_BYTES = 1 << 20
"""Rows are packed together up to about this many bytes; a larger row has a pack of its own."""
MOST_BYTES = 1 << 28
"""No pack is larger: what says so is not ours, or a row that no release of Hermes writes."""

_STORAGE = ("null", "integer", "real", "text", "blob")
_ROW = struct.Struct(">IH")  # position of its action in the unit, number of values
_VALUE = struct.Struct(">BQ")  # storage class, number of bytes


@dataclass(frozen=True, slots=True)
class Pack:
    """Some rows of one unit: the positions of the first and the last of their actions, the bytes of
    the rows unpacked, and the packed rows."""

    first: int
    last: int
    size: int
    data: bytes


class Packer:
    """Collects rows in the order of their actions, and yields a pack whenever one is full."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._first: int | None = None
        self._last = 0

    def add(self, position: int, values: Sequence[Value]) -> Iterator[Pack]:
        """Take in the row of the action at ``position``.

        Raises ``ValueError`` for a row that is larger than any pack may be.
        """
        row = [_ROW.pack(position, len(values))]
        for value in values:
            storage, data = encode_value(value)
            row += (_VALUE.pack(_STORAGE.index(storage), len(data)), data)
        size = sum(map(len, row))
        if size > MOST_BYTES:
            raise ValueError(f"a row of {size:,} bytes")
        if self._size and self._size + size > PACK_BYTES:
            yield from self.finish()
        self._parts += row
        self._size += size
        self._first = position if self._first is None else self._first
        self._last = position

    def finish(self) -> Iterator[Pack]:
        """Yield what is left, if anything is."""
        if self._first is not None:
            data = zlib.compress(b"".join(self._parts), level=1)
            yield Pack(self._first, self._last, self._size, data)
        self._parts, self._size, self._first = [], 0, None


def unpack(pack: Pack) -> dict[int, tuple[Value, ...]]:
    """Return the rows of a pack by the positions of their actions.

    Raises ``ValueError`` where it is not what :class:`Packer` makes; never more than the size that
    the pack names is unpacked.
    """
    if not 0 <= pack.size <= MOST_BYTES:
        raise ValueError(f"a pack of {pack.size:,} bytes")
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(pack.data, pack.size + 1)
    except zlib.error as error:
        raise ValueError(f"not packed by us: {error}") from error
    if len(data) != pack.size or not unpacking.eof:
        raise ValueError("a pack of another size than it names")
    return dict(_rows(data))


def _rows(data: bytes) -> Iterator[tuple[int, tuple[Value, ...]]]:
    at = 0
    try:
        while at < len(data):
            position, number = _ROW.unpack_from(data, at)
            at += _ROW.size
            values = []
            for _ in range(number):
                storage, length = _VALUE.unpack_from(data, at)
                at += _VALUE.size
                if length > len(data) - at:
                    raise ValueError("a value that ends after its pack")
                values.append(decode_value(_STORAGE[storage], data[at : at + length]))
                at += length
            yield position, tuple(values)
    except (struct.error, IndexError) as error:
        raise ValueError("a truncated pack") from error
