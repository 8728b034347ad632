"""What one unit of a receipt keeps beside its actions, durable before the unit is committed.

Columns that triggers of Hermes' own wrote into rows which no action names
(:mod:`hermes_repair.model.trigger_columns`), as they were before, and whole rows that it moves,
packed. A message that gets another id is deleted and inserted: between the two, and ever after, its
receipt is the second place that has it, its text too, because nothing else could give it back if
the row were lost. That is more than a receipt says of any other message, so receipts are 0600.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model import trigger_columns
from hermes_repair.model.errors import BadRecord, NotNoted, Refused
from hermes_repair.model.values import Row, Value, decode_value, encode_value
from hermes_repair.store.connections import bind, placeholder

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS kept (
  unit INTEGER, first INTEGER, last INTEGER, size INTEGER, data BLOB, PRIMARY KEY (unit, first)
)""",
    """
CREATE TABLE IF NOT EXISTS derived (
  unit INTEGER, id INTEGER, column_name TEXT, value, PRIMARY KEY (unit, id, column_name)
) WITHOUT ROWID""",
)  # made when they are needed; few receipts do


class Aside:
    """The rows and columns that one unit keeps. Writing is one transaction, ended by the caller."""

    def __init__(self, connection: sqlite3.Connection, path: Path, unit: int) -> None:
        self._db = connection
        self._path = path
        self._unit = unit
        self._packer = Packer()
        self._last: tuple[Pack, dict[int, tuple[Value, ...]]] | None = None

    def keep(self, position: int, values: Sequence[Value]) -> None:
        """Keep the values of a row that the action at ``position`` takes out of the database.

        Raises :class:`NotNoted` where the receipt cannot be written, :class:`Refused` for a row
        that is too large to be kept.
        """
        try:
            self._put(self._packer.add(position, values))
        except ValueError as error:
            raise Refused(
                f"A message cannot be moved, because its receipt cannot keep it: {error}.",
                "This step changed nothing.",
            ) from error

    def derive(self, rows: Iterable[tuple[int, Mapping[str, Value]]]) -> None:
        """Keep columns of rows (by id) as they were before triggers wrote them."""
        for id, columns in rows:
            for column, value in columns.items():
                self._write(
                    f"INSERT INTO derived VALUES (?, ?, ?, {placeholder(value)})",
                    [self._unit, id, column, *bind([value])],
                )

    def finish(self) -> None:
        """Say that there is no more to keep."""
        self._put(self._packer.finish())

    def commit(self) -> None:
        """Make durable what was kept, of this unit and of all others of the receipt."""
        if self._db.in_transaction:
            self._run("COMMIT", ())

    def forget(self) -> None:
        """Drop what was kept and not made durable; nothing after :meth:`commit`."""
        self._packer = Packer()
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def row(self, position: int) -> tuple[Value, ...] | None:
        """Return the values that the action at ``position`` kept, None where it kept none.

        Raises :class:`Refused` where what was kept is damaged.
        """
        if self._last is None or not self._last[0].first <= position <= self._last[0].last:
            self._last = self._pack(position)
        return None if self._last is None else self._last[1].get(position)

    def derived(self) -> Iterator[tuple[int, Row]]:
        """Yield the rows (by id) whose columns triggers wrote, with the columns as they were."""
        if not self._has("derived"):
            return
        columns_of: dict[int, dict[str, Value]] = {}
        for id, column, value in self._db.execute(
            "SELECT id, column_name, value FROM derived WHERE unit = ? ORDER BY id", (self._unit,)
        ):
            if not isinstance(id, int) or column not in trigger_columns.COLUMNS:
                raise BadRecord(
                    f"{self._path} is damaged: it keeps {column!r} of message {id!r}.",
                    "Nothing was undone.",
                )
            columns_of.setdefault(id, {})[column] = value
        yield from columns_of.items()

    def _pack(self, position: int) -> tuple[Pack, dict[int, tuple[Value, ...]]] | None:
        if not self._has("kept"):
            return None
        row = self._db.execute(
            "SELECT first, last, size, data FROM kept WHERE unit = ? AND first <= ?"
            " ORDER BY first DESC LIMIT 1",
            (self._unit, position),
        ).fetchone()
        if row is None:
            return None
        pack = Pack(*row)
        try:
            return pack, unpack(pack)
        except (ValueError, TypeError) as error:
            raise Refused(
                f"{self._path} is damaged: the messages that it keeps cannot be read ({error}).",
                "Nothing was undone.",
            ) from error

    def _has(self, table: str) -> bool:
        """Whether any unit of this receipt has kept something; earlier versions never did."""
        sql = "SELECT 1 FROM sqlite_master WHERE name = ?"
        return self._db.execute(sql, (table,)).fetchone() is not None

    def _put(self, packs: Iterable[Pack]) -> None:
        for pack in packs:
            self._write(
                "INSERT INTO kept VALUES (?, ?, ?, ?, ?)",
                [self._unit, pack.first, pack.last, pack.size, pack.data],
            )

    def _write(self, sql: str, parameters: Sequence[object]) -> None:
        if not self._db.in_transaction:
            for statement in ("BEGIN", *_TABLES):
                self._run(statement, ())
        self._run(sql, parameters)

    def _run(self, sql: str, parameters: Sequence[object]) -> None:
        try:
            self._db.execute(sql, list(parameters))
        except sqlite3.Error as error:
            raise NotNoted(
                f"{self._path} cannot be written: {error}.",
                "This step changed nothing. Fix that (is the disk full?), then run the same"
                " command again.",
            ) from error


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
