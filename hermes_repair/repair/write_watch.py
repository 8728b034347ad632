"""Who wrote what in a transaction: every row of every table is counted, whatever wrote it.

Temporary triggers of our own connection do the counting. They live in no file of Hermes' and cost
what the writes cost, not what the tables hold. A row that a trigger of the database, a cascade or a
virtual table writes is counted like one of ours; that none escapes rests on two things that the
connection sets: no row makes way for another (``OR ABORT``), and no ``foreign_keys``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from hermes_repair.model import trigger_columns
from hermes_repair.model.actions import RowDelete, RowInsert
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import InUse, Refused
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Row, Value, whole
from hermes_repair.repair.foreign_keys import rewritten
from hermes_repair.repair.row_images import derived_columns
from hermes_repair.store.connections import quote
from hermes_repair.store.writer import Writer

Counts: TypeAlias = "Counter[tuple[str, str]]"
"""How many rows were written, by table and event (``INSERT``, ``UPDATE``, ``DELETE``)."""

EVENTS = {"INSERT": "added", "UPDATE": "changed", "DELETE": "deleted"}
_OURS = "hermes_repair_"
_DERIVED = f"{_OURS}derived"
_BY_TRIGGER = "derived"  # an UPDATE of columns that triggers of Hermes' own write
_CODES = (*EVENTS, _BY_TRIGGER)


class Watch:
    """Counts the rows that one connection writes, a transaction at a time."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._cookie: Value = None
        self._written: list[int] = []  # one number for each row, by table and event
        self._tables: tuple[str, ...] = ()
        self._columns: frozenset[str] = frozenset()
        # A function in Python would hear of ^C, and SQLite would make an error of its own of that.
        writer.connection.create_function(f"{_OURS}count", 1, self._written.append)

    def prepare(self) -> None:
        """Put the counting in place for the structure that the database has now.

        Before a transaction, so that it costs nobody who waits for the write lock.
        """
        cookie = self._read_cookie()
        if cookie == self._cookie and self._is_there():
            return
        for kind, label in self._mine():
            self._writer.execute(f"DROP {kind!s} IF EXISTS temp.{quote(str(label))}")
        self._tables = tuple(ordinary_tables(self._writer))
        self._columns = derived_columns(self._writer)
        for number, table in enumerate(self._tables):
            for event in EVENTS:
                self._put_trigger(number, event, event, table)
        if self._columns:
            listed = ", ".join(sorted(self._columns))
            old = ", ".join(f"old.{column}" for column in sorted(self._columns))
            self._writer.execute(f"CREATE TEMP TABLE {_DERIVED} (id INTEGER PRIMARY KEY, {listed})")
            self._put_trigger(
                self._tables.index(trigger_columns.TABLE),
                _BY_TRIGGER,
                f"UPDATE OF {listed}",
                trigger_columns.TABLE,
                f"INSERT INTO {_DERIVED} SELECT old.id, {old}"
                f" WHERE NOT EXISTS (SELECT 1 FROM {_DERIVED} WHERE id = old.id);",
            )
        self._cookie = cookie

    def start(self) -> None:
        """Begin to count for the transaction that has just begun.

        Raises :class:`InUse` where somebody changed the structure after :meth:`prepare`.
        """
        if self._read_cookie() != self._cookie:
            raise InUse(
                "Another program has just changed the structure of the database.",
                "Nothing was changed. Run the same command again.",
            )
        self._written.clear()
        if self._columns:
            self._writer.execute(f"DELETE FROM temp.{_DERIVED}")

    def derived(self, table: str) -> frozenset[str]:
        """Return the columns of a table that triggers of Hermes' own write."""
        return self._columns if table == trigger_columns.TABLE else frozenset()

    def remember(self, id: int) -> None:
        """Keep those columns of a message as they are, before it is taken away."""
        if self._columns:
            listed = ", ".join(sorted(self._columns))
            self._writer.execute(
                f"INSERT INTO temp.{_DERIVED} SELECT id, {listed} FROM main.{trigger_columns.TABLE}"
                f" WHERE id = ? AND NOT EXISTS (SELECT 1 FROM temp.{_DERIVED} WHERE id = ?)",
                [id, id],
            )

    def remembered(self) -> Iterator[tuple[int, Row]]:
        """Yield the messages whose columns triggers wrote, with those columns as they were."""
        if not self._columns:
            return
        columns = sorted(self._columns)
        listed = ", ".join(columns)
        for id, *values in self._writer.query(f"SELECT id, {listed} FROM temp.{_DERIVED}"):
            if isinstance(id, int):
                yield id, dict(zip(columns, values, strict=True))

    def require(self, expected: Counts) -> None:
        """Raise :class:`Refused` where other rows were written than ``expected``."""
        counted = self._counted()
        wrong = [
            f"rows of {table} {done}: {counted[table, event]} instead of {expected[table, event]}"
            for table in self._tables
            for event, done in EVENTS.items()
            if counted[table, event] != expected[table, event]
        ]
        if wrong:
            raise otherwise("; ".join(wrong[:3]))

    def _counted(self) -> Counts:
        counts: Counts = Counter()
        for code, rows in Counter(self._written).items():
            table, event = divmod(code, len(_CODES))
            if _CODES[event] == _BY_TRIGGER:  # each is counted as an UPDATE too
                counts[self._tables[table], "UPDATE"] -= rows
            else:
                counts[self._tables[table], _CODES[event]] += rows
        return counts

    def _put_trigger(
        self, number: int, event: str, when: str, table: str, statement: str = ""
    ) -> None:
        self._writer.execute(
            f"CREATE TEMP TRIGGER {_OURS}{number}_{event} AFTER {when} ON main.{quote(table)}"
            f" BEGIN SELECT {_OURS}count({number * len(_CODES) + _CODES.index(event)});"
            f" {statement} END"
        )

    def _is_there(self) -> bool:
        """Whether it was not rolled back with the transaction that it was put in place in."""
        expected = len(self._tables) * len(EVENTS) + 2 * bool(self._columns)
        return len(self._mine()) == expected

    def _mine(self) -> list[tuple[Value, ...]]:
        return self._writer.query(
            "SELECT type, name FROM sqlite_temp_master WHERE type IN ('table', 'trigger')"
            f" AND name GLOB '{_OURS}*' ORDER BY type DESC"
        )

    def _read_cookie(self) -> Value:
        return self._writer.query("PRAGMA main.schema_version")[0][0]


def ordinary_tables(writer: Writer) -> list[str]:
    """Return the tables that hold rows of their own: no virtual ones, nor what they keep."""
    listed = writer.query(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        " AND lower(substr(name, 1, 7)) <> 'sqlite_' ORDER BY name"
    )
    return [str(row[0]) for row in listed]


def numbers_of_rows(writer: Writer) -> dict[str, int]:
    """Return how many rows each ordinary table has, by the table itself: an index may lie."""
    return {
        table: whole(writer.query(f"SELECT COUNT(*) FROM main.{quote(table)} NOT INDEXED")[0][0])
        for table in ordinary_tables(writer)
    }


def require_same_numbers(before: dict[str, int], after: dict[str, int], unit: Unit) -> None:
    """Raise where a unit that changes structure has another number of rows in a table than it says.

    Tables that it makes anew, merges or removes are its own affair, but never ``sessions`` and
    ``messages``: no change of structure adds or loses a conversation.
    """
    added: Counter[str] = Counter()
    for action in unit.actions:
        if isinstance(action, RowInsert | RowDelete):
            added[action.table] += 1 if isinstance(action, RowInsert) else -1
    own = rewritten(unit) - {"sessions", "messages"}
    for table in sorted((before.keys() | after.keys()) - own):
        meant, rows = before.get(table, 0) + added[table], after.get(table, 0)
        if rows != meant:
            raise otherwise(f"{table} has {rows} rows instead of {meant}")


def otherwise(what: str) -> Refused:
    """Return what is said where the database made something else of a write than it was told."""
    return Refused(
        f"The database did not store what was written: {what}.",
        advice(
            "This step was rolled back. Something in the database itself writes there, usually a"
            " trigger: `{}` names what no release of Hermes creates (DB009).",
            command("doctor"),
        ),
    )
