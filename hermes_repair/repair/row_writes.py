"""Writing one row and reading it back: what the database did not take as it was meant is an error.

The caller rolls the unit back. Columns that triggers of Hermes' own write
(:mod:`hermes_repair.model.trigger_columns`) are theirs: they are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hermes_repair.model import trigger_columns
from hermes_repair.model.values import Row
from hermes_repair.repair.row_images import differing
from hermes_repair.repair.write_watch import Counts, Watch, otherwise
from hermes_repair.store.writer import Writer


class Rows:
    """Row writes of one unit, each read back. Without a ``watch`` no more than that is known.

    ``given_back`` counts rows that had vanished and were written again from their receipt.
    """

    def __init__(self, writer: Writer, watch: Watch | None = None) -> None:
        self.writer = writer
        self._watch = watch
        self._written: Counts = Counter()
        self.given_back = 0

    def derived(self, table: str) -> frozenset[str]:
        """Return the columns of a table that triggers of Hermes' own write."""
        return self._watch.derived(table) if self._watch is not None else frozenset()

    def insert(self, table: str, key: Row, row: Row) -> None:
        """Add one row and see that it is there, every column as given."""
        self._count(self.writer.insert(table, row), table, key, "INSERT")
        self._require(table, key, row)

    def update(self, table: str, key: Row, row: Row, values: Row) -> None:
        """Set columns of one row and see that they are set and that the others are as in ``row``.

        ``row`` is all of it, as it was just read.
        """
        self._count(self.writer.update(table, key, values), table, key, "UPDATE")
        self._require(table, key, {**row, **values})

    def delete(self, table: str, key: Row) -> None:
        """Remove one row and see that it is gone."""
        self._count(self.writer.delete(table, key), table, key, "DELETE")
        if self.writer.select(table, key, tuple(key)) is not None:
            raise otherwise(f"{where(table, key)} is still there after it was deleted")

    def move(self, table: str, row: Row, old: int, new: int) -> None:
        """Give a row another id by DELETE and INSERT, and see that it is there as it was.

        An UPDATE of a message's id corrupts both search indexes from schema 23 on. The place of the
        row among others (schema 30) is left to the trigger that works it out of the new id.
        """
        if self._watch is not None:
            self._watch.remember(old)
        self.delete(table, {"id": old})
        own = self.derived(table) & {trigger_columns.ORDER}
        values = {column: value for column, value in row.items() if column not in own}
        self.insert(table, {"id": new}, {**values, "id": new})

    def give_back(self, table: str, key: Row, row: Row) -> None:
        """Add a row again that somebody or something took away after we moved it."""
        self.insert(table, key, {**row, **key})
        self.given_back += 1

    def set_derived(self, id: int, columns: Row) -> None:
        """Give columns back to a message that triggers wrote to; nothing where it is gone."""
        key = {"id": id}
        row = self.writer.select(trigger_columns.TABLE, key)
        if row is None or not differing(row, columns):
            return
        self.writer.update(trigger_columns.TABLE, key, columns)
        found = self.writer.select(trigger_columns.TABLE, key, tuple(columns))
        if found is None or differing(found, columns):
            raise otherwise(
                f"{where(trigger_columns.TABLE, key)} did not get its {_listed(columns)} back"
            )

    def require_nothing_else(self) -> None:
        """Raise where any row of any table was written that none of these writes named."""
        if self._watch is not None:
            self._watch.require(self._written)

    def _count(self, done: int, table: str, key: Row, event: str) -> None:
        if done != 1:
            raise otherwise(f"{event} of {where(table, key)} wrote {done} rows")
        self._written[table, event] += 1

    def _require(self, table: str, key: Row, expected: Row) -> None:
        found = self.writer.select(table, key)
        if found is None:
            raise otherwise(f"{where(table, key)} is not there after it was written")
        columns = set(differing(found, expected)) - self.derived(table)
        if columns:
            raise otherwise(f"{where(table, key)} has another {_listed(columns)} than was written")


def where(table: str, key: Row) -> str:
    """Return the words that name a row to a reader."""
    return f"{table} {', '.join(str(value) for value in key.values())}"


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(sorted(columns))
