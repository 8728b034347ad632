"""Which units share a transaction: small ones that write no row in common. Pure.

A transaction costs an fsync of state.db and some more of the receipt, whatever it writes. A kill
leaves all units that share one, or none of them, so each is whole either way. What became of each
is told by its own images as ever (:func:`~hermes_repair.repair.row_images.committed`): none of them
writes over what another left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from hermes_repair.model.actions import (
    Action,
    FileCopy,
    RowDelete,
    RowInsert,
    RowMove,
    RowUpdate,
    SourceRef,
)
from hermes_repair.model.plans import Unit, UnitRecord
from hermes_repair.model.values import Row, Value, encode_value

MOST_ACTIONS = 256
"""Rows that are written in one go: some 100 ms under the write lock."""
MOST_BYTES = 1 << 20
"""What the images of the units and the lines that they bring in may take."""


def sharing(
    records: Iterable[UnitRecord], alone: Callable[[Unit], bool] = lambda _unit: False
) -> Iterator[list[UnitRecord]]:
    """Yield the units in their order, those together that share a transaction.

    ``alone`` says of a small unit that it must have one of its own.
    """
    shared = _Shared()
    for record in records:
        writes = _Writes(record.unit)
        if not writes.small or alone(record.unit):
            if shared.records:
                yield shared.records
            yield [record]
            shared = _Shared()
        elif shared.has_room(writes):
            shared.add(record, writes)
        else:
            yield shared.records
            shared = _Shared()
            shared.add(record, writes)
    if shared.records:
        yield shared.records


class _Writes:
    """What a unit writes: rows by table and key, and the columns that tell the rows of a table.

    ``small``: it writes a few rows, whose values are in the plan, in lines of a file that are
    small too, or in the rows that it moves, and does nothing else but copy such a file first.
    """

    def __init__(self, unit: Unit) -> None:
        self.actions = len(unit.actions)
        self.size = 0
        self.rows: set[tuple[str, tuple[Value, ...]]] = set()
        self.keys: set[tuple[str, tuple[str, ...]]] = set()
        self.small = self.actions <= MOST_ACTIONS and all(map(self._take, unit.actions))
        self.small = self.small and self.size <= MOST_BYTES and _one_key_each(self.keys)
        self.small = self.small and bool(self.rows)

    def _take(self, action: Action) -> bool:
        match action:
            case FileCopy():
                return True
            case RowMove():
                self._write(action.table, {"id": action.old_id})
                self._write(action.table, {"id": action.new_id})
                return True
            case RowUpdate():
                images = [action.before, action.after]
            case RowInsert(source=None):
                images = [action.values]
            case RowInsert(source=SourceRef(length=length)):
                images = [action.values]
                self.size += length
            case RowDelete():
                images = [action.before]
            case _:
                return False
        self._write(action.table, action.key)
        self.size += sum(len(encode_value(v)[1]) for image in images for v in image.values())
        return True

    def _write(self, table: str, key: Row) -> None:
        columns = tuple(sorted(key))
        self.keys.add((table, columns))
        self.rows.add((table, tuple(key[column] for column in columns)))


class _Shared:
    """Units that share a transaction so far."""

    def __init__(self) -> None:
        self.records: list[UnitRecord] = []
        self._actions = 0
        self._size = 0
        self._rows: set[tuple[str, tuple[Value, ...]]] = set()
        self._keys: set[tuple[str, tuple[str, ...]]] = set()

    def has_room(self, writes: _Writes) -> bool:
        """Whether one more fits that surely writes other rows."""
        return (
            self._actions + writes.actions <= MOST_ACTIONS
            and self._size + writes.size <= MOST_BYTES
            and self._rows.isdisjoint(writes.rows)
            and _one_key_each(self._keys | writes.keys)
        )

    def add(self, record: UnitRecord, writes: _Writes) -> None:
        self.records.append(record)
        self._actions += writes.actions
        self._size += writes.size
        self._rows |= writes.rows
        self._keys |= writes.keys


def _one_key_each(keys: Collection[tuple[str, tuple[str, ...]]]) -> bool:
    """Whether the rows of each table are named by the same columns: else two could be one row."""
    return len({table for table, _ in keys}) == len(keys)
