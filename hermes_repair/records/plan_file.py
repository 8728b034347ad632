"""One open plan or receipt: its units and their actions, streamed in and out, and their states."""

from __future__ import annotations

import errno
import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermes_repair.model.actions import Action
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import BadRecord, DatabaseUnreadable, NotNoted, Refused
from hermes_repair.model.plans import (
    SCHEMA_ENTRIES,
    Header,
    Outline,
    Unit,
    UnitRecord,
    UnitState,
    outline,
)
from hermes_repair.model.values import Value, encode_value, text
from hermes_repair.records.action_rows import (
    COLUMNS,
    UNIT,
    columns_of,
    from_row,
    kept,
    plain,
    texts,
    to_row,
    unit_from_row,
    unit_row,
)
from hermes_repair.records.undo_data import Aside
from hermes_repair.store.connections import bind, placeholder, transaction

if TYPE_CHECKING:
    from sqlite_utils import Database

FORMAT = 1
MAKE_PLAN = command("repair", "--dry-run", "--plan-out", "FILE")
MOVE_AWAY = "Move that file away, then run this again. What a damaged receipt did cannot be undone."

_MACHINE = (errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EINTR, errno.ENOSPC)
_SQLITE = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_FULL)


def require_readable_now(path: Path, error: BaseException) -> None:
    """Raise :class:`Refused` where it is the machine and not the file that cannot be read.

    A record that is junk is left out of what is known; one that the disk only does not give just
    now is not: without it, what we did here would count as done by Hermes.
    """
    cause = error.__cause__ if isinstance(error, DatabaseUnreadable) else error
    code = getattr(cause, "sqlite_errorcode", None)
    short = code is not None and code & 0xFF in _SQLITE
    if short or (isinstance(cause, OSError) and cause.errno in _MACHINE):
        raise Refused(
            f"{path} cannot be read now: {cause}.",
            "Nothing was changed. Run this again when the disk answers.",
        ) from error


_CONTENT = f"position, {', '.join(COLUMNS)}"
_FATE = ("closed", "undoing", "undone", "left")
"""What changes in the header of a receipt after it was written; all else is in its digest."""
_DIGEST = "digest"
_SEALED = (
    f"SELECT name, typeof(value), value FROM header WHERE name NOT IN {(*_FATE, _DIGEST)}"
    " ORDER BY name",
    f"SELECT number, {', '.join(UNIT)} FROM units ORDER BY number",
    f"SELECT unit, {_CONTENT} FROM actions ORDER BY unit, position",
    "SELECT number, names FROM column_sets ORDER BY number",
    "SELECT unit, position, image, column_name, typeof(value), value FROM images"
    " ORDER BY unit, position, image, column_name",
)
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}
_LAST_SECOND = 253_402_300_800  # of the year 9999: later ones are no times

_COLUMN_NAMES = "(SELECT names FROM column_sets WHERE number = column_set) AS column_names"
_UNIT_ROWS = {
    "units": f"SELECT {', '.join(UNIT)} FROM units WHERE number = ?",
    "actions": f"SELECT {_CONTENT.replace('column_set', _COLUMN_NAMES)} FROM actions"
    " WHERE unit = ? ORDER BY position",
    "images": "SELECT position, image, column_name, value FROM images WHERE unit = ?"
    " ORDER BY position, image, column_name",
}


class PlanFile:
    """One open plan or receipt. Units are appended in order and read back one at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self.path = path
        self._sets: dict[tuple[str, ...], int] = {}

    @cached_property
    def _tables(self) -> Database:
        """The tables; imported where they are needed: `locks clean` and `migrate` do without."""
        from sqlite_utils import Database

        return Database(self._db, recursive_triggers=False, execute_plugins=False)

    def header(self) -> Header:
        """Return what the file is about."""
        with self.reading():
            stored = dict(self._db.execute("SELECT name, value FROM header"))
            known: dict[str, Any] = {f.name: plain(stored.get(f.name)) for f in fields(Header)}
            for field in fields(Header):
                kind, _, optional = str(field.type).partition(" | ")
                value = known[field.name]
                if not isinstance(value, _TYPES[kind]) and not (optional and value is None):
                    raise ValueError(f"{field.name} is none")
            if not 0 <= known["created"] < _LAST_SECOND:
                raise ValueError("created is no time")
            return Header(**known)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise :class:`BadRecord` where what is read inside is not what is ever written here."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, LookupError, ArithmeticError) as error:
            require_readable_now(self.path, error)
            raise BadRecord(f"{self.path} is damaged ({error}).", MOVE_AWAY) from error

    def seal(self) -> None:
        """Note the digest of all that does not change later, in the transaction that is open."""
        self._put_header({_DIGEST: self._content()})

    def require_sealed(self) -> None:
        """Raise :class:`BadRecord` where anything was changed by others since it was written."""
        with self.reading():
            row = self._db.execute("SELECT value FROM header WHERE name = ?", (_DIGEST,)).fetchone()
            if row is None or row[0] != self._content():
                raise BadRecord(
                    f"{self.path} was changed after hermes-repair wrote it: its digest does not"
                    " match its content.",
                    advice(
                        "Nothing was changed. Use the original file, or make a new plan with `{}`.",
                        MAKE_PLAN,
                    ),
                )

    def _content(self) -> str:
        hasher = hashlib.sha256()
        texts_as, self._db.text_factory = self._db.text_factory, bytes
        try:
            for query in _SEALED:
                hasher.update(query.encode())
                for row in self._db.execute(query):
                    # As literals, which are the same in every version of Python, and fast.
                    hasher.update(ascii(row).encode())
        finally:
            self._db.text_factory = texts_as
        return hasher.hexdigest()

    def set_header(self, **changes: Any) -> None:
        """Change fields of the header, durable at once; raises :class:`NotNoted`."""
        with self._noting():
            self._put_header({name: kept(value) for name, value in changes.items()})

    def _put_header(self, values: Mapping[str, Value]) -> None:
        self._db.executemany("DELETE FROM header WHERE name = ?", [(name,) for name in values])
        self._insert("header", ({"name": name, "value": value} for name, value in values.items()))

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Change rows of ours in one transaction; raises :class:`NotNoted`."""
        try:
            with transaction(self._db):
                yield
        except sqlite3.Error as error:
            raise NotNoted(
                f"{self.path} cannot be written: {error}.",
                advice(
                    "Finished steps are complete. Fix that (is the disk full?), then run `{}`: it"
                    " records what was done.",
                    command("repair"),
                ),
            ) from error

    def append(self, units: Iterable[Unit]) -> list[Outline]:
        """Add units behind those that are there, in one transaction; return their outlines."""
        outlines: list[Outline] = []
        rows: list[dict[str, Any]] = []
        with transaction(self._db):
            for number, unit in enumerate(units, self._next_number()):
                rows.append(unit_row(number, unit))
                for position, action in enumerate(unit.actions):
                    self._put(number, position, action)
                outlines.append(outline(number, unit))
            self._insert("units", rows)
            self.seal()
        return outlines

    def take(self, shown: PlanFile, numbers: Sequence[int], digest: str) -> list[int]:
        """Add units of a plan that was shown, row by row as they lie there; return their numbers.

        In one transaction, in the order of ``numbers``, behind the units that are there already.
        Raises :class:`Refused`, having added nothing, where they are not what ``digest`` is of.
        """
        with transaction(self._db):
            first = self._next_number()
            added = list(range(first, first + len(numbers)))
            for new, number in zip(added, numbers, strict=True):
                own = {"number": new, "state": UnitState.PENDING.value}
                for table, rows in shown.rows_of_unit(number):
                    for row in rows:
                        if columns := row.pop("column_names", None):
                            row["column_set"] = self._column_set(texts(columns))
                        row |= own if table == "units" else {"unit": new}
                    self._insert(table, rows)
            if self.digest(added) != digest:
                raise Refused(
                    f"{shown.path} changed after the plan was shown.",
                    "Nothing was changed. Run the same command again to make a new plan.",
                )
            self.seal()
        return added

    def rows_of_unit(self, number: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield the rows that one unit consists of, by table, but not its number."""
        with self.reading():
            for table, query in _UNIT_ROWS.items():
                rows = self._db.execute(query, (number,))
                names = [name for name, *_ in rows.description]
                yield table, [dict(zip(names, row, strict=True)) for row in rows]

    def _next_number(self) -> int:
        return int(self._db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM units").fetchone()[0])

    def _insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        alike: defaultdict[str, list[list[object]]] = defaultdict(list)
        for row in rows:
            form = f"({', '.join(row)}) VALUES ({', '.join(map(placeholder, row.values()))})"
            alike[form].append(bind(row.values()))
        for form, bound in alike.items():
            self._db.executemany(f"INSERT INTO {table} {form}", bound)

    def _put(self, unit: int, position: int, action: Action) -> None:
        row, images = to_row(action)
        columns = columns_of(action)
        if columns:
            row["column_set"] = self._column_set(columns)
        place = {"unit": unit, "position": position}
        self._insert("actions", [place | {name: kept(value) for name, value in row.items()}])
        for image, values in images.items():
            at = {**place, "image": image}
            self._insert("images", (at | {"column_name": n, "value": v} for n, v in values.items()))

    def _column_set(self, columns: tuple[str, ...]) -> int:
        """Return the number of a list of columns, kept once however many rows share it."""
        if columns not in self._sets:
            sets = self._tables.table("column_sets")
            self._sets[columns] = sets.lookup({"names": json.dumps(columns)}, pk="number")
        return self._sets[columns]

    def records(self, *, newest_first: bool = False) -> Iterator[UnitRecord]:
        """Yield the units with all their actions, one unit in memory at a time."""
        numbers = [number for number, _ in self.states()]
        for number in reversed(numbers) if newest_first else numbers:
            yield self.record(number)

    def record(self, number: int) -> UnitRecord:
        """Return one unit."""
        with self.reading():
            row = self._db.execute(
                f"SELECT {', '.join(UNIT)}, state FROM units WHERE number = ?", (number,)
            ).fetchone()
            unit = unit_from_row(row[:-1], tuple(self._actions(number)))
            return UnitRecord(number, unit, UnitState(row[-1]))

    def _actions(self, number: int) -> Iterator[Action]:
        sets = self.column_sets()
        images: dict[int, dict[str, dict[str, Value]]] = {}
        for position, image, column, value in self._db.execute(
            "SELECT position, image, column_name, value FROM images WHERE unit = ?", (number,)
        ):
            images.setdefault(position, {}).setdefault(image, {})[column] = value
        for row in self._db.execute(
            f"SELECT {_CONTENT} FROM actions WHERE unit = ? ORDER BY position", (number,)
        ):
            yield from_row(
                tuple(map(plain, row[1:])), images.get(row[0], {}), sets.get(row[-1], ())
            )

    def aside(self, number: int) -> Aside:
        """Return what a unit keeps beside its actions, to write it or to read it."""
        return Aside(self._db, self.path, number)

    def rows(self, query: str, parameters: Sequence[Value] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query about units and actions; to be asked within :meth:`reading`."""
        yield from self._db.execute(query, parameters)

    def column_sets(self) -> dict[int, tuple[str, ...]]:
        """Return the lists of columns that digests are over, by number."""
        rows = self._db.execute("SELECT number, names FROM column_sets")
        return {number: texts(names) for number, names in rows}

    def states(self) -> list[tuple[int, UnitState]]:
        """Return (number, state) of every unit in order."""
        with self.reading():
            rows = self._db.execute("SELECT number, state FROM units ORDER BY number")
            return [(int(number), UnitState(state)) for number, state in rows]

    def set_states(self, numbers: Iterable[int], state: UnitState) -> None:
        """Say what became of units, durable at once; raises :class:`NotNoted`."""
        with self._noting():
            self._db.executemany(
                "UPDATE units SET state = ? WHERE number = ?", ((state.value, n) for n in numbers)
            )

    def subjects(self) -> frozenset[str]:
        """Return what the units are about: sessions that they touch, and names of other things."""
        with self.reading():
            subjects: set[str] = set()
            for subject, sessions in self._db.execute("SELECT subject, sessions FROM units"):
                subjects |= {text(subject) or "", *texts(sessions)}
            return frozenset(subjects)

    def count_actions(self, *, of: Sequence[UnitState] = tuple(UnitState)) -> int:
        """Return how many actions the units of these states have; all of them by default."""
        marks = ", ".join("?" * len(of))
        with self.reading():
            row = self._db.execute(
                "SELECT COUNT(*) FROM actions JOIN units ON number = unit"
                f" WHERE state IN ({marks})",
                [state.value for state in of],
            ).fetchone()
            return int(row[0])

    def changes_structure(self) -> bool:
        """Whether undo has to restore a backup, because an action has no inverse by rows."""
        return self._has("actions WHERE kind IN ('Ddl', 'IndexRefill')")

    def makes_indexes_only(self) -> bool:
        """Whether all that it changes is derived: indexes, and search tables."""
        return not self._has("actions WHERE kind <> 'IndexRefill'")

    def rewrites_files(self) -> bool:
        """Whether it writes files of the home anew; a receipt that does so does nothing else."""
        return self._has("actions WHERE kind = 'FileRewrite'")

    def mends_schema(self) -> bool:
        """Whether it was made of a database whose schema SQLite refuses (DB007)."""
        return self._has(f"units WHERE kind = '{SCHEMA_ENTRIES}'")

    def _has(self, rows: str) -> bool:
        with self.reading():
            return bool(self._db.execute(f"SELECT EXISTS (SELECT 1 FROM {rows})").fetchone()[0])

    def tables(self) -> frozenset[str]:
        """Return the tables that units look rows up in."""
        with self.reading():
            rows = self._db.execute("SELECT DISTINCT tbl FROM actions WHERE tbl IS NOT NULL")
            return frozenset(str(table) for (table,) in rows)

    def tables_written(self) -> frozenset[str]:
        """Return the tables that units added rows to or changed rows of; deletions aside."""
        with self.reading():
            rows = self._db.execute(
                "SELECT DISTINCT tbl FROM actions"
                " WHERE kind IN ('RowInsert', 'RowUpdate', 'RowMove')"
            )
            return frozenset(str(table) for (table,) in rows)

    def digest(self, numbers: Iterable[int] | None = None) -> str:
        """Return one hash over units and their actions: what a plan will do, to the byte.

        ``numbers`` are the units in the order in which they will run; all by default.
        """
        queries = (
            "SELECT kind, subject, safety, live, sessions FROM units WHERE number = ?",
            _UNIT_ROWS["actions"],
            _UNIT_ROWS["images"],
        )
        chosen = [number for number, _ in self.states()] if numbers is None else numbers
        hasher = hashlib.sha256()
        with self.reading():
            for number in chosen:
                for query in queries:
                    for row in self._db.execute(query, (number,)):
                        for storage, data in map(encode_value, row):
                            hasher.update(b"%s:%d:%s" % (storage.encode(), len(data), data))
        return hasher.hexdigest()
