"""One open plan or receipt: its units and their actions, streamed in and out, and their states."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hermes_repair.model.actions import Action, FileCopy
from hermes_repair.model.errors import NotNoted
from hermes_repair.model.findings import Safety
from hermes_repair.model.plans import Header, Outline, Unit, UnitRecord, UnitState, outline
from hermes_repair.model.values import Value, encode_value, stored, text
from hermes_repair.records.actionrows import COLUMNS, columns_of, from_row, kept, plain, to_row
from hermes_repair.store.connections import bind, placeholder

FORMAT = 1

TABLES = """
CREATE TABLE header (name TEXT PRIMARY KEY, value);
CREATE TABLE units (
  number INTEGER PRIMARY KEY, kind TEXT, subject TEXT, summary TEXT, safety TEXT, live INTEGER,
  findings TEXT, finding_ids TEXT, sessions TEXT, state TEXT
);
CREATE TABLE actions (
  unit INTEGER, position INTEGER, kind TEXT, tbl TEXT, counters TEXT,
  old_id INTEGER, new_id INTEGER, digest TEXT,
  source TEXT, offset INTEGER, length INTEGER, sha256 TEXT,
  sql TEXT, step TEXT, target TEXT, size INTEGER, column_set INTEGER,
  PRIMARY KEY (unit, position)
) WITHOUT ROWID;
CREATE TABLE column_sets (number INTEGER PRIMARY KEY, names TEXT UNIQUE);
CREATE TABLE images (
  unit INTEGER, position INTEGER, image TEXT, column_name TEXT, value,
  PRIMARY KEY (unit, position, image, column_name)
) WITHOUT ROWID;
"""
_CONTENT = f"position, {', '.join(COLUMNS)}"
_COLUMN_NAMES = "(SELECT names FROM column_sets WHERE number = column_set)"


class PlanFile:
    """One open plan or receipt. Units are appended in order and read back one at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self.path = path
        self._sets: dict[tuple[str, ...], int] = {}

    def header(self) -> Header:
        """Return what the file is about."""
        found = dict(self._db.execute("SELECT name, value FROM header"))
        known: dict[str, Any] = {f.name: plain(found.get(f.name)) for f in fields(Header)}
        return Header(**known)

    def set_header(self, **changes: Any) -> None:
        """Change fields of the header, durable at once; raises :class:`NotNoted`."""
        values = {name: kept(value) for name, value in changes.items()}
        self._note(
            (
                f"INSERT INTO header VALUES (?, {placeholder(value)})"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                bind([name, value]),
            )
            for name, value in values.items()
        )

    def _note(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Change rows of ours in one transaction."""
        try:
            self._db.execute("BEGIN")
            for sql, parameters in statements:
                self._db.execute(sql, parameters)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise NotNoted(
                f"{self.path} cannot be written: {error}.",
                "What was done before is whole. Mend that (is the disk full?), then run"
                " `hermes-repair repair`: it notes what was done.",
            ) from error

    def append(self, units: Iterable[Unit]) -> list[Outline]:
        """Add units behind those that are there, in one transaction; return their outlines."""
        outlines: list[Outline] = []
        row = self._db.execute("SELECT COALESCE(MAX(number), 0) FROM units").fetchone()
        number = int(row[0])
        self._db.execute("BEGIN")
        for unit in units:
            number += 1
            values = (
                number,
                unit.kind,
                stored(unit.subject),
                stored(unit.summary),
                unit.safety.value,
                int(unit.live),
                json.dumps(unit.findings),
                json.dumps(unit.finding_ids),
                json.dumps(sorted(unit.sessions)),
                UnitState.PENDING.value,
            )
            marks = ", ".join(map(placeholder, values))
            self._db.execute(f"INSERT INTO units VALUES ({marks})", bind(values))
            for position, action in enumerate(unit.actions):
                self._put(number, position, action)
            outlines.append(outline(number, unit))
        self._db.execute("COMMIT")
        return outlines

    def _put(self, unit: int, position: int, action: Action) -> None:
        row, images = to_row(action)
        columns = columns_of(action)
        if columns:
            row["column_set"] = self._column_set(columns)
        ours = [kept(value) for value in row.values()]
        names, marks = ", ".join(row), ", ".join(map(placeholder, ours))
        self._db.execute(
            f"INSERT INTO actions (unit, position, {names}) VALUES (?, ?, {marks})",
            (unit, position, *bind(ours)),
        )
        for image, values in images.items():
            for column, value in values.items():
                self._db.execute(
                    f"INSERT INTO images VALUES (?, ?, ?, ?, {placeholder(value)})",
                    (unit, position, image, column, *bind([value])),
                )

    def _column_set(self, columns: tuple[str, ...]) -> int:
        """Return the number of a list of columns, kept once however many rows share it."""
        if columns not in self._sets:
            names = json.dumps(columns)
            self._db.execute("INSERT OR IGNORE INTO column_sets (names) VALUES (?)", (names,))
            row = self._db.execute("SELECT number FROM column_sets WHERE names = ?", (names,))
            self._sets[columns] = int(row.fetchone()[0])
        return self._sets[columns]

    def records(self, *, newest_first: bool = False) -> Iterator[UnitRecord]:
        """Yield the units with all their actions, one unit in memory at a time."""
        order = "DESC" if newest_first else "ASC"
        numbers = [
            int(row[0])
            for row in self._db.execute(f"SELECT number FROM units ORDER BY number {order}")
        ]
        for number in numbers:
            yield self.record(number)

    def record(self, number: int) -> UnitRecord:
        """Return one unit."""
        row = self._db.execute(
            "SELECT kind, subject, summary, safety, live, findings, finding_ids, sessions, state"
            " FROM units WHERE number = ?",
            (number,),
        ).fetchone()
        unit = Unit(
            kind=row[0],
            subject=text(row[1]) or "",
            summary=text(row[2]) or "",
            actions=tuple(self._actions(number)),
            safety=Safety(row[3]),
            live=bool(row[4]),
            findings=tuple(json.loads(row[5])),
            finding_ids=tuple(json.loads(row[6])),
            sessions=frozenset(json.loads(row[7])),
        )
        return UnitRecord(number, unit, UnitState(row[8]))

    def _actions(self, number: int) -> Iterator[Action]:
        sets = {
            set_number: tuple(json.loads(names))
            for set_number, names in self._db.execute("SELECT number, names FROM column_sets")
        }
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

    def states(self) -> list[tuple[int, UnitState]]:
        """Return (number, state) of every unit in order."""
        return [
            (int(number), UnitState(state))
            for number, state in self._db.execute("SELECT number, state FROM units ORDER BY number")
        ]

    def set_states(self, numbers: Iterable[int], state: UnitState) -> None:
        """Say what became of units, durable at once; raises :class:`NotNoted`."""
        self._note(
            ("UPDATE units SET state = ? WHERE number = ?", (state.value, n)) for n in numbers
        )

    def sessions(self) -> frozenset[str]:
        """Return the sessions that the units touch."""
        found = self._db.execute("SELECT sessions FROM units")
        return frozenset(session for row in found for session in json.loads(row[0]))

    def subjects(self) -> frozenset[str]:
        """Return what the units are about: sessions, and names of other things."""
        return frozenset(
            text(row[0]) or "" for row in self._db.execute("SELECT subject FROM units")
        )

    def count_actions(self) -> int:
        """Return how many actions all units have."""
        return int(self._db.execute("SELECT COUNT(*) FROM actions").fetchone()[0])

    def changes_structure(self) -> bool:
        """Whether undo has to restore a backup, because an action has no inverse by rows."""
        row = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM actions WHERE kind IN ('Ddl', 'IndexRefill'))"
        ).fetchone()
        return bool(row[0])

    def tables(self) -> frozenset[str]:
        """Return the tables that units look rows up in."""
        found = self._db.execute("SELECT DISTINCT tbl FROM actions WHERE tbl IS NOT NULL")
        return frozenset(str(table) for (table,) in found)

    def tables_written(self) -> frozenset[str]:
        """Return the tables that units added rows to or changed rows of; deletions aside."""
        found = self._db.execute(
            "SELECT DISTINCT tbl FROM actions WHERE kind IN ('RowInsert', 'RowUpdate', 'RowMove')"
        )
        return frozenset(str(table) for (table,) in found)

    def written_messages(self) -> Iterator[int]:
        """Yield ids of messages that done units of this receipt inserted or moved (design 6.2)."""
        for (new_id,) in self._db.execute(
            "SELECT COALESCE(a.new_id, i.value) FROM actions a JOIN units u ON u.number = a.unit"
            " LEFT JOIN images i ON i.unit = a.unit AND i.position = a.position"
            "  AND i.image = 'key' AND i.column_name = 'id'"
            " WHERE a.tbl = 'messages' AND a.kind IN ('RowInsert', 'RowMove') AND u.state = 'done'"
        ):
            yield int(new_id)

    def deactivated_messages(self) -> Iterator[int]:
        """Yield ids of messages that done units of this receipt made inactive (MS001, MS005)."""
        for (id,) in self._db.execute(
            "SELECT k.value FROM actions a JOIN units u ON u.number = a.unit"
            " JOIN images k ON k.unit = a.unit AND k.position = a.position"
            "  AND k.image = 'key' AND k.column_name = 'id'"
            " JOIN images f ON f.unit = a.unit AND f.position = a.position"
            "  AND f.image = 'after' AND f.column_name = 'active' AND f.value = 0"
            " WHERE a.tbl = 'messages' AND a.kind = 'RowUpdate' AND u.state = 'done'"
        ):
            yield int(id)

    def copies(self) -> Iterator[FileCopy]:
        """Yield the copies of files that units of this receipt made; undo leaves them."""
        for row in self._db.execute(
            "SELECT a.source, a.target, a.size, a.sha256 FROM actions a JOIN units u"
            " ON u.number = a.unit WHERE a.kind = 'FileCopy' AND u.state IN ('done', 'undone')"
        ):
            yield FileCopy(*map(plain, row))

    def digest(self, numbers: Iterable[int] | None = None) -> str:
        """Return one hash over units and their actions: what a plan will do, to the byte.

        ``numbers`` are the units in the order in which they will run; all by default.
        """
        hasher = hashlib.sha256()
        queries = (
            "SELECT kind, subject, safety, live, sessions FROM units WHERE number = ?",
            f"SELECT {_CONTENT.replace('column_set', _COLUMN_NAMES)} FROM actions WHERE unit = ?"
            " ORDER BY position",
            "SELECT position, image, column_name, value FROM images WHERE unit = ?"
            " ORDER BY position, image, column_name",
        )
        chosen = [number for number, _ in self.states()] if numbers is None else numbers
        for number in chosen:
            for query in queries:
                for row in self._db.execute(query, (number,)):
                    for value in row:
                        storage, data = encode_value(value)
                        hasher.update(f"{storage}:{len(data)}:".encode() + data)
        return hasher.hexdigest()
