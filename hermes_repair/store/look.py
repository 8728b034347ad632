"""A look at state.db: queries over one connection, short where somebody else is at work.

At rest a look is one connection to bytes that do not change, and a scan is one query. Beside a
live Hermes each query is one short read transaction (200 ms; 50 ms in DELETE mode, where a reader
makes Hermes' write fail), and a scan is cut into ranges of rowid that keep within it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hermes_repair.model.errors import InUse, Refused
from hermes_repair.model.values import Row, Value
from hermes_repair.store.connections import (
    bind,
    legible,
    plain_cursor,
    quote,
    unreadable,
)

LIVE_SECONDS_WAL = 0.2
LIVE_SECONDS_DELETE = 0.05
_TICK = 2000  # SQLite instructions between two looks at the clock
_FIRST_RANGE = 2000  # rows
_STOP = "Stop Hermes (`hermes gateway stop`), or whatever else uses it, and run this again."

T = TypeVar("T")


class View(Enum):
    """Which bytes a look reads."""

    MAIN = "main"  # the main file alone, unchanging
    JOINED = "joined"  # a private copy of main and its -wal or -journal
    LIVE = "live"  # the database itself, beside whoever has it open


class _TooLong(Exception):
    """A live query ran into its time limit."""


class Answers(Protocol):
    """What an earlier look found out about these same bytes, and what this one adds.

    ``device`` is that of the database, ``before`` the epoch seconds before which a file must have
    been changed last for its times to tell its states apart. Values are what JSON can say.
    """

    device: int
    before: float

    @property
    def taken_since(self) -> float | None:
        """When the oldest answer that was used was found (epoch seconds), None where none was."""

    def recall(self, question: str) -> Any:
        """Return the answer to a question, None where it is not known."""

    def remember(self, question: str, answer: Any) -> None:
        """Keep an answer for the next look."""


class Meanwhile(Protocol):
    """Somebody who was told which questions would be put, and may have begun with them."""

    def begin(self, questions: Iterable[str]) -> None:
        """Take queries without parameters that are going to be put."""

    def rows(self, sql: str) -> list[tuple[Value, ...]] | None:
        """Return all rows of a query, None where it was not begun with."""


class Look:
    """Queries over one view. Rows are tuples of :data:`~hermes_repair.model.values.Value`."""

    def __init__(
        self, connection: sqlite3.Connection, view: View, path: Path, limit: float | None = None
    ) -> None:
        self.connection = connection
        self.view = view
        self.path = path
        self._limit = limit
        self.answers: Answers | None = None
        self.meanwhile: Meanwhile | None = None
        self._columns: dict[str, tuple[str, ...]] = {}
        self._last_names: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether somebody may be writing while we look."""
        return self.view is View.LIVE

    @property
    def limit(self) -> float | None:
        """Seconds that one read transaction may take, None where nobody waits for us."""
        return self._limit

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[tuple[Value, ...]]:
        """Run a query that is small by nature; use :meth:`scan` for whole tables.

        Raises :class:`DatabaseUnreadable` where SQLite cannot go on, :class:`Refused` where a live
        database takes longer than a reader may.
        """
        return self._run(sql, parameters) if self._limit is None else self._asked(sql, parameters)

    def _asked(self, sql: str, parameters: Sequence[Value]) -> Iterator[tuple[Value, ...]]:
        try:
            yield from self._run(sql, parameters)
        except _TooLong as error:
            raise Refused(
                "This database is too busy to read while others use it.",
                _STOP,
            ) from error

    def named(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[Row]:
        """Run a query like :meth:`rows`, each row as a mapping by column name."""
        names: tuple[str, ...] = ()
        for row in self.rows(sql, parameters):
            if not names:
                names = self._last_names
            yield dict(zip(names, row, strict=True))

    def rows_of(self, table: str, where: str, parameters: Sequence[Value] = ()) -> Iterator[Row]:
        """Yield whole rows of a table, every column by name, for before-images."""
        listed = ", ".join(quote(column) for column in self.columns(table))
        yield from self.named(f"SELECT {listed} FROM {quote(table)} WHERE {where}", parameters)

    def one(self, sql: str, parameters: Sequence[Value] = ()) -> tuple[Value, ...] | None:
        """Return the first row of a small query, or nothing."""
        return next(self.rows(sql, parameters), None)

    def scan(
        self,
        what: str,
        table: str,
        where: str = "1",
        parameters: Sequence[Value] = (),
        tail: str = "",
    ) -> Iterator[tuple[Value, ...]]:
        """Yield ``SELECT what FROM table WHERE where tail`` over the whole table, in rowid ranges.

        With an aggregate in ``what`` and a GROUP BY in ``tail`` the caller merges the partial
        results: at rest there is one range, live there are many.
        """
        sql = f"SELECT {what} FROM {quote(table)} WHERE ({where})"
        if self._limit is None:
            return self._run(f"{sql} {tail}", parameters)
        return self._scan_ranges(sql, table, parameters, tail, self._limit)

    def totals(
        self, what: str, table: str, where: str = "1", parameters: Sequence[Value] = ()
    ) -> list[tuple[Value, ...]]:
        """Return :meth:`scan` of aggregates: the numbers of the whole table, or of its ranges."""
        if self._limit is not None:
            return list(self.scan(what, table, where, parameters))
        return self.counted(f"SELECT {what} FROM {quote(table)} WHERE ({where})", parameters)

    def counted(self, sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        """Return all rows of a query that goes over whole tables and answers in a few numbers.

        Where an earlier look asked the same of these bytes, that is the answer.
        """
        rows = self._known(sql, parameters)
        if rows is not None:
            return rows
        if self.meanwhile is not None and not parameters:
            rows = self.meanwhile.rows(sql)
        if rows is None:
            rows = list(self.rows(sql, parameters))
        if self.answers is not None and _is_table_of_numbers(rows):
            self.answers.remember(_question(sql, parameters), rows)
        return rows

    def begin(self, questions: Iterable[str]) -> None:
        """Have answered meanwhile, where there is somebody for it, what :meth:`counted` will ask.

        The questions are queries without parameters.
        """
        if self.meanwhile is not None:
            self.meanwhile.begin(sql for sql in questions if self._known(sql, ()) is None)

    def _known(self, sql: str, parameters: Sequence[Value]) -> list[tuple[Value, ...]] | None:
        if self.answers is None:
            return None
        known = self.answers.recall(_question(sql, parameters))
        return [tuple(row) for row in known] if _is_table_of_numbers(known) else None

    def _scan_ranges(
        self, sql: str, table: str, parameters: Sequence[Value], tail: str, limit: float
    ) -> Iterator[tuple[Value, ...]]:
        low: Value = None
        size = _FIRST_RANGE
        while True:
            started = time.monotonic()
            try:
                high = self._range_end(table, low, size)
                bounds = [value for value in (low, high) if value is not None]
                ranged = (
                    sql
                    + (" AND rowid > ?" if low is not None else "")
                    + (" AND rowid <= ?" if high is not None else "")
                )
                page = list(self._run(f"{ranged} {tail}", [*parameters, *bounds]))
            except _TooLong:
                if size == 1:
                    raise Refused(
                        f"One row of {table} takes longer to read than others can wait.",
                        _STOP,
                    ) from None
                size = max(1, size // 4)
                continue
            yield from page
            if high is None:
                return
            low = high
            if time.monotonic() - started < limit / 4:
                size *= 2

    def _range_end(self, table: str, low: Value, size: int) -> Value:
        """Return the rowid that ends a range of ``size`` rows after ``low``; None for the last."""
        where, parameters = ("rowid > ?", [low]) if low is not None else ("1", [])
        sql = f"SELECT rowid FROM {quote(table)} WHERE {where} ORDER BY rowid LIMIT 1 OFFSET ?"
        row = next(self._run(sql, [*parameters, size - 1]), None)
        return row[0] if row else None

    def within_limit(self, ask: Callable[[Look], T]) -> T | None:
        """Return the answer to a question about the whole file, None where it takes too long here.

        ``ask`` runs under the limit of a live look; at rest there is none.
        """
        try:
            return ask(self)
        except Refused:
            if self.live:
                return None
            raise

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table in declared order; empty where there is no such table."""
        if table not in self._columns:
            self._columns[table] = tuple(
                str(row[0]) for row in self.rows("SELECT name FROM pragma_table_info(?)", [table])
            )
        return self._columns[table]

    def has(self, table: str) -> bool:
        """Whether the table exists."""
        return bool(self.columns(table))

    def data_version(self) -> Value:
        """Return SQLite's mark that changes whenever another connection commits."""
        row = self.one("PRAGMA data_version")
        return row[0] if row else None

    def _run(self, sql: str, parameters: Sequence[Value]) -> Iterator[tuple[Value, ...]]:
        try:
            if self._limit is None:
                cursor = plain_cursor(self.connection, sql, bind(parameters))
                self._last_names = _names_of(cursor)
                yield from cursor
            else:
                yield from self._within(self._limit, sql, parameters)
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise _TooLong from error
            if is_busy(error):
                raise InUse(
                    "Another program is writing to the database right now and did not pause.",
                    "Run this again in a moment.",
                ) from error
            raise unreadable(self.path, error) from error
        except UnicodeDecodeError as error:
            raise unreadable(self.path, legible(error)) from error
        except sqlite3.DatabaseError as error:
            raise unreadable(self.path, error) from error

    def _within(
        self, limit: float, sql: str, parameters: Sequence[Value]
    ) -> list[tuple[Value, ...]]:
        self.connection.execute("BEGIN")
        try:
            # In DELETE mode a reader waits for its turn here, holding nothing; the limit is for the
            # time in which others wait for us.
            self.connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            deadline = time.monotonic() + limit
            self.connection.set_progress_handler(lambda: time.monotonic() > deadline, _TICK)
            cursor = self.connection.execute(sql, bind(parameters))
            self._last_names = _names_of(cursor)
            return cursor.fetchall()
        finally:
            self.connection.set_progress_handler(None, 0)
            self.connection.execute("ROLLBACK")


def _question(sql: str, parameters: Sequence[Value]) -> str:
    return json.dumps([sql, *parameters])


def _is_table_of_numbers(rows: object) -> bool:
    return isinstance(rows, list) and all(
        isinstance(row, list | tuple) and all(type(value) in _NUMBERS for value in row)
        for row in rows
    )


_NUMBERS = frozenset({int, float, type(None)})


def _names_of(cursor: sqlite3.Cursor) -> tuple[str, ...]:
    return tuple(column[0] for column in cursor.description or ())


def is_busy(error: sqlite3.Error) -> bool:
    """Whether SQLite says that somebody else holds the lock."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
