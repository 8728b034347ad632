"""What the record of a row says by the names of columns, as SQLite would give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from hermes_repair.model.values import Row, Value
from hermes_repair.salvage.stored_table import Affinity, StoredTable


def fewest_columns(stored: StoredTable) -> int:
    """Return how many columns every record has: all up to the last that cannot have come later."""
    first = (at for at, c in enumerate(stored.columns, 1) if c is not None and not c.came_later)
    return max(first, default=0)


def converter(
    stored: StoredTable,
) -> Callable[[int | None, tuple[Value, ...]], dict[str, Value]]:
    """Return what makes values by name of a record: rowid, defaults, REAL stored as an integer."""
    named = [(at, column) for at, column in enumerate(stored.columns) if column is not None]
    names = [column.name for _, column in named]
    defaults = [column.default for _, column in named]
    places = [at for at, _ in named]
    dense = len(named) == len(stored.columns)
    reals = [column.name for _, column in named if column.affinity is Affinity.REAL]
    rowid_column = stored.rowid_column if stored.rowid_column in names else None

    def convert(rowid: int | None, record: tuple[Value, ...]) -> dict[str, Value]:
        if dense and len(record) == len(names):
            values = dict(zip(names, record, strict=False))
        else:
            values = {
                name: record[at] if at < len(record) else default
                for name, at, default in zip(names, places, defaults, strict=True)
            }
        for name in reals:
            value = values[name]
            if isinstance(value, int):
                values[name] = float(value)
        if rowid_column is not None:
            values[rowid_column] = rowid
        return values

    return convert


def values_of(names: Sequence[str]) -> Callable[[Row], tuple[Value, ...]]:
    """Return what takes the values of some columns out of a row, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple([row[name] for name in names])
