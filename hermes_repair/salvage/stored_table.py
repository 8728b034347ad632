"""How the rows of a table lie in its records: columns in stored order, defaults, affinities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntFlag

from hermes_repair.model.values import Value
from hermes_repair.schema.declared_table import asked, is_strict
from hermes_repair.schema.structure import Column, Table
from hermes_repair.store.asked_in_memory import added_value


class Stored(IntFlag):
    """The storage classes of a record, as a set."""

    NULL = 1
    INTEGER = 2
    REAL = 4
    TEXT = 8
    BLOB = 16


ANYTHING = Stored.NULL | Stored.INTEGER | Stored.REAL | Stored.TEXT | Stored.BLOB


class Affinity(Enum):
    """What SQLite makes of values by the declared type (datatype3, 3.1); what it stores by rule."""

    INTEGER = Stored.INTEGER
    REAL = Stored.REAL | Stored.INTEGER  # a whole number takes less room as an integer
    NUMERIC = Stored.INTEGER | Stored.REAL | Stored.TEXT
    TEXT = Stored.TEXT
    BLOB = ANYTHING


def affinity(declared: str) -> Affinity:
    """Return the affinity of a declared type."""
    words = declared.upper()
    if "INT" in words:
        return Affinity.INTEGER
    if any(part in words for part in ("CHAR", "CLOB", "TEXT")):
        return Affinity.TEXT
    if not words or "BLOB" in words:
        return Affinity.BLOB
    if any(part in words for part in ("REAL", "FLOA", "DOUB")):
        return Affinity.REAL
    return Affinity.NUMERIC


def stored_class(serial: int) -> Stored:
    """Return the storage class of a serial type (fileformat2, 2.1); 10 and 11 are of none."""
    return _EVERY[serial if serial < 12 else 12 + (serial & 1)]


def class_of(value: Value) -> int:
    """Return the storage class of a value, as a number of :class:`Stored`."""
    if value is None:
        return 1
    if isinstance(value, int):
        return 2
    if isinstance(value, float):
        return 4
    return 16 if isinstance(value, bytes) else 8


def allows(masks: Sequence[int], types: Sequence[int]) -> bool:
    """Whether each serial type is of a class that its place allows: asked of every row."""
    for serial, mask in zip(types, masks, strict=False):
        if not _NUMBERS[serial if serial < 12 else 12 + (serial & 1)] & mask:
            return False
    return True


_EVERY = (
    Stored.NULL, *[Stored.INTEGER] * 6, Stored.REAL, Stored.INTEGER, Stored.INTEGER, Stored(0),
    Stored(0), Stored.BLOB, Stored.TEXT,
)  # fmt: skip
_NUMBERS = tuple(int(one) for one in _EVERY)


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One column of a record. ``default`` stands for it in a record written before it was added.

    ``came_later``: whether it can be so at all. SQLite adds no column with a default that is not
    constant, so a record without it is not what it seems; ``default`` is None then. ``allowed`` is
    what a release stores there: NULL where it may be absent, and its affinity.
    """

    name: str
    affinity: Affinity
    not_null: bool
    default: Value
    allowed: Stored
    came_later: bool = True


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table as its records have it.

    ``columns`` in stored order: as declared, in a table WITHOUT ROWID those of the key first. None
    stands for a column whose name is not known. ``rowid_column`` is the INTEGER PRIMARY KEY, whose
    place in the record is NULL. ``key`` are the columns of the primary key.
    """

    name: str
    columns: tuple[StoredColumn | None, ...]
    key: tuple[str, ...] = ()
    rowid_column: str | None = None
    without_rowid: bool = False
    autoincrement: bool = False

    @property
    def names(self) -> tuple[str | None, ...]:
        """The names of the columns in stored order."""
        return tuple(None if column is None else column.name for column in self.columns)

    @property
    def unknown(self) -> tuple[int, ...]:
        """The places of the columns whose names are not known, from 0."""
        return tuple(at for at, column in enumerate(self.columns) if column is None)


def stored_table(
    table: Table, columns: Iterable[str | None] | None = None, sql: str | None = None
) -> StoredTable:
    """Return how ``table`` is stored; ``columns`` names its columns in another order.

    Names that the table does not have are columns whose name is not known. ``sql`` is its CREATE
    TABLE, where a page has that: the defaults in it are then taken as they are written.
    """
    rowid_column = _rowid_column(table)
    kept = [column for column in table.columns if column.hidden != _VIRTUAL]
    if table.without_rowid:
        first = [table.column(name) for name in table.key]
        kept = [c for c in first if c is not None] + [c for c in kept if not c.pk]
    written = asked(sql).defaults if sql is not None else {}
    strict = sql is not None and is_strict(sql)
    by_name = {
        column.name: _stored(
            replace(column, default=written.get(column.name, column.default)), rowid_column, strict
        )
        for column in kept
    }
    names = by_name if columns is None else columns
    return StoredTable(
        table.name,
        tuple(None if name is None else by_name.get(name) for name in names),
        table.key,
        rowid_column,
        table.without_rowid,
        table.autoincrement,
    )


_VIRTUAL = 2
"""What ``PRAGMA table_xinfo`` says of a generated column that no record has."""


def _rowid_column(table: Table) -> str | None:
    if table.without_rowid or len(table.key) != 1:
        return None
    column = table.column(table.key[0])
    return column.name if column is not None and column.type.upper() == "INTEGER" else None


def _stored(column: Column, rowid_column: str | None, strict: bool) -> StoredColumn:
    kind = affinity(column.type)
    allowed = kind.value
    if column.name == rowid_column:
        allowed = Stored.NULL
    elif column.not_null or column.pk:  # SQLite would let a key be NULL; Hermes does not
        allowed &= ~Stored.NULL
    else:
        allowed |= Stored.NULL
    default: Value = None
    constant = True
    if column.default is not None:
        try:
            default = added_value(column.type, column.default, strict=strict)
        except ValueError:
            constant = False
    return StoredColumn(column.name, kind, column.not_null, default, allowed, constant)
