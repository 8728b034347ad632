"""A connection that may change state.db: explicit transactions, nothing else of its own.

Only :mod:`hermes_repair.repair` uses it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import InUse, Refused
from hermes_repair.model.values import Row, Value
from hermes_repair.store.connections import (
    bind,
    open_for_writing,
    placeholder,
    quote,
    unreadable,
)
from hermes_repair.store.look import is_busy

BUSY = InUse(
    "Another process is writing to the database and did not pause.",
    "Nothing was changed. Stop Hermes (`hermes gateway stop`) or run this again in a moment.",
)


_PARAMETERS = 900  # below SQLite's oldest limit of 999


class Writer:
    """One write connection. Values are :data:`~hermes_repair.model.values.Value`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def begin(self, patience: float, random: Random) -> None:
        """Start ``BEGIN IMMEDIATE``; try again with jitter for ``patience`` seconds when busy.

        Raises :class:`InUse` when the database stays busy; nothing has changed then.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise unreadable(self.path, error) from error
                if time.monotonic() >= deadline:
                    raise BUSY from error
                time.sleep(random.uniform(0.02, 0.15))

    def commit(self) -> None:
        """End the transaction, durable when this returns."""
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """End the transaction as if it had never begun."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def query(self, sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        """Run one SELECT or PRAGMA and return all its rows."""
        return self.connection.execute(sql, bind(parameters)).fetchall()

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        return self.connection.execute(sql, bind(parameters)).rowcount

    def select(self, table: str, key: Row, columns: Sequence[str] | None = None) -> Row | None:
        """Return the named (or all) columns of the row with ``key``; None where there is none.

        Raises :class:`Refused` where the key names more than one row.
        """
        what = "*" if columns is None else ", ".join(quote(column) for column in columns)
        where, parameters = _where(key)
        cursor = self.connection.execute(
            f"SELECT {what} FROM {quote(table)} WHERE {where}", bind(parameters)
        )
        rows = cursor.fetchmany(2)
        if not rows:
            return None
        if len(rows) > 1:
            raise Refused(
                f"More than one row of {table} has the {' and '.join(sorted(key))} that names one.",
                advice("This step changed nothing. `{}` says more.", command("doctor")),
            )
        labels = [column[0] for column in cursor.description]
        return dict(zip(labels, rows[0], strict=True))

    # OR ABORT is said in so many words: it overrides what a table or a trigger says of conflicts,
    # so that no row makes way for another (ON CONFLICT REPLACE) or is left out without a word.

    def insert(self, table: str, row: Row) -> int:
        """Add one row, every column as given; return how many rows that was."""
        columns = ", ".join(quote(column) for column in row)
        marks = ", ".join(placeholder(value) for value in row.values())
        cursor = self.connection.execute(
            f"INSERT OR ABORT INTO {quote(table)} ({columns}) VALUES ({marks})", bind(row.values())
        )
        return cursor.rowcount

    def insert_many(self, table: str, rows: Sequence[Row]) -> int:
        """Add rows with equal columns by as few statements as can be; return how many were added.

        SQLite has every search table write what it holds before each statement.
        """
        columns = ", ".join(quote(column) for column in rows[0])
        at_once = max(1, _PARAMETERS // len(rows[0]))
        added = 0
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            marks = ", ".join(f"({', '.join(map(placeholder, row.values()))})" for row in some)
            values = [value for row in some for value in row.values()]
            added += self.execute(
                f"INSERT OR ABORT INTO {quote(table)} ({columns}) VALUES {marks}", values
            )
        return added

    def update(self, table: str, key: Row, values: Row) -> int:
        """Set columns of the row with ``key``; return how many rows that was."""
        marks = ", ".join(f"{quote(column)} = {placeholder(v)}" for column, v in values.items())
        where, parameters = _where(key)
        cursor = self.connection.execute(
            f"UPDATE OR ABORT {quote(table)} SET {marks} WHERE {where}",
            [*bind(values.values()), *bind(parameters)],
        )
        return cursor.rowcount

    def delete(self, table: str, key: Row) -> int:
        """Remove the row with ``key``; return how many rows that was."""
        where, parameters = _where(key)
        cursor = self.connection.execute(
            f"DELETE FROM {quote(table)} WHERE {where}", bind(parameters)
        )
        return cursor.rowcount

    def delete_ids(self, table: str, ids: Sequence[int]) -> int:
        """Remove the rows with these ids; return how many rows that was."""
        return sum(
            self.execute(f"DELETE FROM {quote(table)} WHERE id IN ({_marks(some)})", some)
            for some in _some(ids)
        )

    def select_ids(self, table: str, ids: Sequence[int]) -> Iterator[Row]:
        """Yield those of the rows with these ids that are there."""
        for some in _some(ids):
            cursor = self.connection.execute(
                f"SELECT * FROM {quote(table)} WHERE id IN ({_marks(some)})", some
            )
            labels = [column[0] for column in cursor.description]
            for row in cursor:
                yield dict(zip(labels, row, strict=True))

    def data_version(self) -> Value:
        """Return SQLite's mark that changes whenever another connection commits.

        Raises :class:`InUse` where another process keeps everybody out.
        """
        try:
            return self.query("PRAGMA data_version")[0][0]
        except sqlite3.OperationalError as error:
            if is_busy(error):
                raise BUSY from error
            raise unreadable(self.path, error) from error


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(ids), _PARAMETERS):
        yield ids[first : first + _PARAMETERS]


def _marks(ids: Sequence[int]) -> str:
    return ", ".join("?" * len(ids))


def _where(key: Row) -> tuple[str, list[Value]]:
    clause = " AND ".join(f"{quote(column)} IS {placeholder(v)}" for column, v in key.items())
    return clause, list(key.values())


@contextmanager
def writing(path: Path, *, live: bool, malformed: bool = False) -> Iterator[Writer]:
    """Open ``path`` for writing; roll back what is unfinished and close on the way out.

    ``malformed`` as in :func:`~hermes_repair.store.connections.open_for_writing`.
    Raises :class:`InUse` where others leave no room for that, and
    :class:`~hermes_repair.model.errors.DatabaseUnreadable`.
    """
    try:
        connection = open_for_writing(path, live=live, malformed=malformed)
    except sqlite3.DatabaseError as error:
        if is_busy(error):
            raise BUSY from error
        raise unreadable(path, error) from error
    writer = Writer(connection, path)
    try:
        yield writer
    finally:
        writer.rollback()
        connection.close()
