"""Two databases attached to one connection, and how statements over both are run.

Beside a live Hermes each statement is one short read transaction, as in :mod:`.look`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from enum import Enum

from hermes_repair.model.errors import HermesRepairError, Refused
from hermes_repair.model.values import Value, whole
from hermes_repair.store.connections import bind, unreadable
from hermes_repair.store.look import Look

LAST = 2**63 - 1
_FIRST_RANGE = 2000  # ids, where others wait for us
_TICK = 2000  # SQLite instructions between two looks at the clock
CALLS = ("tool_call_id", "tool_calls")
_NEEDED = frozenset({"id", "session_id", "timestamp", "role", "content"})
DEFAULTS = {"active": "1", "compacted": "0"}
"""What columns read as that a schema does not have yet; any other one is NULL."""


class Which(Enum):
    """One of the two."""

    HOME = "home"
    SOURCE = "source"

    @property
    def other(self) -> Which:
        """The other one."""
        return Which.SOURCE if self is Which.HOME else Which.HOME


class AttachedPair:
    """Statements over the ``messages`` of both, each side under its name."""

    def __init__(self, connection: sqlite3.Connection, home: Look, source: Look) -> None:
        self._connection = connection
        self._looks = {Which.HOME: home, Which.SOURCE: source}
        self._limit = home.limit if home.limit is not None else source.limit

    def _in_ranges(self, which: Which, sql: str, first: int = -LAST - 1) -> list[tuple[Value, ...]]:
        """Run a statement between two ids of one side, from ``first`` to the last; beside others
        for a few rows at a time.
        """
        if self._limit is None:
            return list(self._run(sql, [first, LAST]))
        found: list[tuple[Value, ...]] = []
        low, size = first, _FIRST_RANGE
        while True:
            begun = time.monotonic()
            try:
                rows = list(
                    self._run(
                        f"SELECT {which.value}.id FROM {self._table(which)}"
                        f" WHERE {which.value}.id >= ?"
                        f" ORDER BY {which.value}.id LIMIT 1 OFFSET ?",
                        [low, size],
                    )
                )
                high = whole(rows[0][0]) if rows else LAST
                found += self._run(sql, [low, high])
            except Refused:
                if size == 1:
                    raise
                size = max(1, size // 4)
                continue
            if not rows:
                return found
            low = high + 1
            if time.monotonic() - begun < (self._limit or 0) / 4:
                size *= 2

    def _do(self, sql: str, parameters: Sequence[Value] = ()) -> None:
        """Run a statement that gives no rows."""
        for _ in self._run(sql, parameters):
            pass

    def _run(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[tuple[Value, ...]]:
        try:
            if self._limit is None:
                yield from self._connection.execute(sql, bind(parameters))
            else:
                yield from self._within(self._limit, sql, parameters)
        except sqlite3.DatabaseError as error:
            raise unreadable(self._looks[self._unread()].path, error) from error

    def _unread(self) -> Which:
        """Return the side that SQLite cannot read to its end; the source where both can be."""
        try:
            for _ in self._looks[Which.HOME].rows("SELECT SUM(LENGTH(content)) FROM messages"):
                pass
        except HermesRepairError:
            return Which.HOME
        return Which.SOURCE

    def _table(self, which: Which) -> str:
        """Return the messages of one side under its name; an empty table where it has none."""
        if self._columns(which) >= _NEEDED:
            return f"{which.value}.messages AS {which.value}"
        names = ", ".join(f"NULL AS {name}" for name in (*_NEEDED, *CALLS))
        return f"(SELECT {names} WHERE 0) AS {which.value}"

    def _columns(self, which: Which) -> frozenset[str]:
        return frozenset(self._looks[which].columns("messages"))

    def _column(self, which: Which, name: str) -> str:
        if name in self._columns(which):
            return f"{which.value}.{name}"
        return f"{DEFAULTS.get(name, 'NULL')}"

    def _same(self, name: str) -> str:
        return f"{self._column(Which.HOME, name)} IS {self._column(Which.SOURCE, name)}"

    def _within(
        self, limit: float, sql: str, parameters: Sequence[Value]
    ) -> list[tuple[Value, ...]]:
        deadline = time.monotonic() + limit
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, _TICK)
        try:
            return self._connection.execute(sql, bind(parameters)).fetchall()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise Refused(
                    "This database is too busy to read while others use it.",
                    "Stop Hermes (`hermes gateway stop`), or whatever else uses it, and run this"
                    " again.",
                ) from error
            raise
        finally:
            self._connection.set_progress_handler(None, 0)
