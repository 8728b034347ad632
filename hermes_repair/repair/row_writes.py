"""Row writes of one unit: each is counted and read back, those of messages many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from hermes_repair.model import trigger_columns
from hermes_repair.model.values import Row, row_size
from hermes_repair.repair.row_images import differing
from hermes_repair.repair.write_watch import Counts, Watch, otherwise
from hermes_repair.store.writer import Writer

_MESSAGES = trigger_columns.TABLE
MOST_BYTES = 1 << 20
"""What the messages that wait to be written may take of the memory."""
MOST_WAITING = 500
"""Messages that wait to be written at most."""


class Rows:
    """Row writes of one unit, each read back. Without a ``watch`` no more than that is known.

    Under a ``watch`` messages wait to be written many at a time: those that go first, by id, then
    those that come. Whoever asks for one of them has them written before. Where triggers of Hermes'
    own write other messages than the one that is written, none waits.
    ``given_back`` counts rows that had vanished and were written again from their receipt.
    """

    def __init__(self, writer: Writer, watch: Watch | None = None) -> None:
        self.writer = writer
        self._watch = watch
        self._written: Counts = Counter()
        self._gone: set[int] = set()
        self._added: dict[int, Row] = {}
        self._size = 0
        self.given_back = 0

    def select(self, table: str, key: Row, columns: Sequence[str] | None = None) -> Row | None:
        """Return the named (or all) columns of the row with ``key``; None where there is none."""
        self._waiting(table, key)
        return self.writer.select(table, key, columns)

    def execute(self, sql: str) -> None:
        """Run a statement that is no write of a row that an action names."""
        self.write()
        self.writer.execute(sql)

    def derived(self, table: str) -> frozenset[str]:
        """Return the columns of a table that triggers of Hermes' own write."""
        return self._watch.derived(table) if self._watch is not None else frozenset()

    def insert(self, table: str, key: Row, row: Row) -> None:
        """Add one row and see that it is there, every column as given."""
        id = self._waiting(table, key)
        if id is None:
            self._count(self.writer.insert(table, row), table, "INSERT", 1, where(table, key))
            self._require(self.writer.select(table, key), table, key, row)
            return
        self._added[id] = row
        self._wait(row_size(row))

    def update(self, table: str, key: Row, row: Row, values: Row) -> None:
        """Set columns of one row and see that they are set and that the others are as in ``row``.

        ``row`` is all of it, as it was just read.
        """
        self.write()
        self._count(self.writer.update(table, key, values), table, "UPDATE", 1, where(table, key))
        self._require(self.writer.select(table, key), table, key, {**row, **values})

    def delete(self, table: str, key: Row) -> None:
        """Remove one row and see that it is gone."""
        id = self._waiting(table, key)
        if id is None:
            self._count(self.writer.delete(table, key), table, "DELETE", 1, where(table, key))
            if self.writer.select(table, key, tuple(key)) is not None:
                raise otherwise(f"{where(table, key)} is still there after it was deleted")
            return
        self._gone.add(id)
        self._wait()

    def write(self) -> None:
        """Write the messages that wait, and see that they are gone, or there as they were given.

        SQLite has the search tables write what they hold at each statement (FTS5's xSavepoint), so
        one for each message takes three times as long.
        """
        gone, added = sorted(self._gone), dict(sorted(self._added.items()))
        self._gone, self._added, self._size = set(), {}, 0
        if gone:
            done = self.writer.delete_ids(_MESSAGES, gone)
            self._count(done, _MESSAGES, "DELETE", len(gone), f"{len(gone)} {_MESSAGES}")
        for row in self.writer.select_ids(_MESSAGES, gone):
            raise otherwise(f"{_MESSAGES} {row['id']!s} is still there after it was deleted")
        for _, rows in groupby(added.values(), key=tuple):
            alike = list(rows)
            done = self.writer.insert_many(_MESSAGES, alike)
            self._count(done, _MESSAGES, "INSERT", len(alike), f"{len(alike)} {_MESSAGES}")
        there = {row["id"]: row for row in self.writer.select_ids(_MESSAGES, list(added))}
        for id, row in added.items():
            self._require(there.get(id), _MESSAGES, {"id": id}, row)

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
        row = self.select(trigger_columns.TABLE, key)
        if row is None or not differing(row, columns):
            return
        self.writer.update(trigger_columns.TABLE, key, columns)
        live = self.writer.select(trigger_columns.TABLE, key, tuple(columns))
        if live is None or differing(live, columns):
            raise otherwise(
                f"{where(trigger_columns.TABLE, key)} did not get its {_listed(columns)} back"
            )

    def require_nothing_else(self) -> None:
        """Raise where any row of any table was written that none of these writes named."""
        self.write()
        if self._watch is not None:
            self._watch.require(self._written)

    def _waiting(self, table: str, key: Row) -> int | None:
        """Return the id of a message that may wait, None for any other row.

        What waits of it already is written now.
        """
        id = key.get("id")
        if table != _MESSAGES or len(key) != 1 or type(id) is not int:
            self.write()
            return None
        if id in self._gone or id in self._added:
            self.write()
        return id if self._watch is not None and not self._watch.derived(table) else None

    def _wait(self, size: int = 0) -> None:
        self._size += size
        if self._size >= MOST_BYTES or len(self._gone) + len(self._added) >= MOST_WAITING:
            self.write()

    def _count(self, done: int, table: str, event: str, meant: int, what: str) -> None:
        if done != meant:
            raise otherwise(f"{event} of {what} wrote {done} rows")
        self._written[table, event] += done

    def _require(self, live: Row | None, table: str, key: Row, expected: Row) -> None:
        if live is None:
            raise otherwise(f"{where(table, key)} is not there after it was written")
        columns = set(differing(live, expected)) - self.derived(table)
        if columns:
            raise otherwise(f"{where(table, key)} has another {_listed(columns)} than was written")


def where(table: str, key: Row) -> str:
    """Return the words that name a row to a reader."""
    return f"{table} {', '.join(str(value) for value in key.values())}"


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(sorted(columns))
