"""The new database of a salvage, from the first CREATE TABLE to the last search entry.

Runs in the process that has read the damaged one; SQLite is opened on new files only.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hermes_repair.app.archived_messages import archive
from hermes_repair.checks.orphan_messages import adopted_session, find_orphans
from hermes_repair.model.errors import Changed, HermesRepairError
from hermes_repair.model.salvage_ledger import VALUES_WITHOUT_A_COLUMN, Ledger, TableLedger
from hermes_repair.model.values import Row, Value, number, text, whole
from hermes_repair.model.words import utc_day
from hermes_repair.salvage import Encoding, Trust, deleted_cells
from hermes_repair.salvage.account import MESSAGES, SESSIONS, Account
from hermes_repair.salvage.assignment import AssignedTable
from hermes_repair.salvage.damaged_database import DamagedDatabase
from hermes_repair.salvage.deleted_cells import tables_of
from hermes_repair.salvage.record_values import values_of
from hermes_repair.salvage.salvaged_rows import Refusal, Refused, SalvagedRow
from hermes_repair.salvage.search_copy import PartOfMessage
from hermes_repair.schema.salvaged_structure import SalvagedStructure
from hermes_repair.schema.search import CJK
from hermes_repair.schema.search_rebuild import rebuild
from hermes_repair.schema.search_source import layout_statements, search_sources
from hermes_repair.schema.sql_text import folded
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.look import Look, View
from hermes_repair.store.new_database import FileFormat, NewDatabase, new_database
from hermes_repair.store.sequence_marks import set_mark
from hermes_repair.store.side_file import SideFile
from hermes_repair.transcripts.message_rows import recovered_title

DATABASE, UNASSIGNED, DELETED = "state.db", "unassigned.db", "deleted.db"
"""The files of a salvage, in the folder where they are made."""

ROOM_OF_A_VALUE = 1 << 20
"""Bytes, beside twice those of the damaged file: in UTF-8 a text can take more than in UTF-16."""
SEARCH_STEP = 20_000  # messages between two words about the search index
VERSION_TABLE = "schema_version"
UNFINISHED_REBUILD = ("fts_rebuild_high_water", "fts_rebuild_progress")
"""Marks of a rebuild by Hermes (schema 23 and later): every message is indexed here."""

_ENCODINGS = {
    Encoding.UTF8: "UTF-8",
    Encoding.UTF16LE: "UTF-16le",
    Encoding.UTF16BE: "UTF-16be",
}


_PLACES = {
    Trust.FREED: "free",
    Trust.OUT_OF_RANGE: "in use",
    Trust.ORPHAN: "in no tree",
    Trust.TREE: "in use",
}


@dataclass(slots=True)
class Written:
    """What became of the rows, by table: taken and refused; and what had to be changed."""

    taken: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SalvageWriter:
    """Writes what ``source`` has into files of ``folder``; ``account`` is what was met in it.

    ``not_made`` are its tables that the new one does not have.
    """

    source: DamagedDatabase
    structure: SalvagedStructure
    account: Account
    not_made: Sequence[str]
    folder: Path
    now: float
    tell: Callable[[str], None]

    def write(self, ledger: Ledger) -> Ledger:
        """Make the database and the side file; return ``ledger`` with what became of the rows.

        Raises :class:`~hermes_repair.model.errors.Changed` where the second reading gives other
        rows than the first.
        """
        image = self.source.image
        file_format = FileFormat(
            image.page_size,
            _ENCODINGS[image.encoding],
            image.auto_vacuum,
            ROOM_OF_A_VALUE + 2 * image.page_size * image.page_count,
        )
        written = Written()
        with (
            SideFile(self.folder / UNASSIGNED) as side,
            new_database(self.folder / DATABASE, file_format) as database,
        ):
            for sql in self.structure.tables.values():
                database.run(sql)
            for table in self.structure.tables:
                self.tell(f"Writing {table}.")
                self._fill(database, table, side, written)
            layout = self.structure.layout
            if layout is not None:
                self._set_version(database, written)
                self._archive(database)
                self._adopt(database, written)
            self._set_marks(database, ledger)
            self._make_indexes(database, side, written)
            if layout is not None:
                self._make_search(database, layout, written)
            for sql in self.structure.last.values():
                database.run(sql)
            self._keep_the_rest(side)
        return _finished(ledger, written)

    def _fill(self, database: NewDatabase, table: str, side: SideFile, written: Written) -> None:
        """Write the rows of a table, those that were read and those of the search copy."""
        known = _columns_of(database, table)
        assigned = self.source.assignment.tables.get(table)
        if assigned is not None:
            self._fill_from_pages(database, assigned, known, side, written)
        if table == MESSAGES:
            self._fill_from_search(database, known, side, written)
        met = written.taken[table] + written.refused[table]
        if met != self.account.of(table).read:
            raise Changed(
                f"The damaged files changed while they were read: {table} had"
                f" {self.account.of(table).read:,} rows at first, and {met:,} later.",
                "Nothing was written. Stop whatever writes there, then run this again.",
            )

    def _fill_from_pages(
        self,
        database: NewDatabase,
        assigned: AssignedTable,
        known: frozenset[str],
        side: SideFile,
        written: Written,
    ) -> None:
        table = assigned.name
        stored = [name for name in assigned.stored.names if name is not None]
        columns = [name for name in stored if folded(name) in known]
        made = _columns_of(database, table, also_generated=True)  # SQLite makes their values again
        homeless = [name for name in stored if folded(name) not in made]
        # Rows come in the order of their rowids, and keep them: 0.17 and others read by them.
        by_rowid = not assigned.stored.without_rowid and assigned.stored.rowid_column is None
        rowid_first = by_rowid and "rowid" not in known
        if rowid_first:
            columns.insert(0, "rowid")

        take = values_of(columns[1:] if rowid_first else columns)

        def read() -> Iterator[tuple[Value, ...]]:
            # What is wrong with a row was asked and told when they were counted.
            for row in self.source.rows(table, lambda one: _aside(side, one), marked=False):
                values = row.values
                if homeless and any(values.get(name) is not None for name in homeless):
                    written.changed[VALUES_WITHOUT_A_COLUMN] += 1
                    side.keep(
                        table,
                        "the new table has no such column",
                        values.items(),
                        page=row.page,
                        rowid=row.rowid,
                    )
                yield (row.rowid, *take(values)) if rowid_first else take(values)

        def refused(values: Sequence[Value], reason: str) -> None:
            written.refused[table] += 1
            side.keep(table, reason, zip(columns, values, strict=True))

        if columns:
            written.taken[table] += database.fill(table, columns, read(), refused)
        else:  # the CREATE TABLE that is left is of another table: its rows are in the side file
            written.refused[table] += sum(1 for _ in read())

    def _fill_from_search(
        self, database: NewDatabase, known: frozenset[str], side: SideFile, written: Written
    ) -> None:
        """Add the messages that only the search copy has, each with the columns that are known.

        One of which too little is known goes to the side file.
        """
        met = self.account.of(MESSAGES)
        lost = self.source.witnesses.lost(MESSAGES, met.ids) if met.lost or met.filled else ()
        for found in self.source.copied_messages(lost):
            if isinstance(found, PartOfMessage):
                part: Row = {**found.known, "text": found.text}
                side.keep(MESSAGES, "only a part of it is known", part.items(), rowid=found.rowid)
                continue
            columns = [name for name in found.values if folded(name) in known]

            def refused(values: Sequence[Value], reason: str, row: SalvagedRow = found) -> None:
                written.refused[MESSAGES] += 1
                side.keep(MESSAGES, reason, row.values.items(), rowid=row.rowid)

            row = tuple(found.values[name] for name in columns)
            written.taken[MESSAGES] += database.fill(MESSAGES, columns, [row], refused)

    def _archive(self, database: NewDatabase) -> None:
        """Let what is proven to have been compacted be found by the search of Hermes."""
        known = {"active", "compacted"} <= _columns_of(database, MESSAGES)
        if known and "rewind_count" in _columns_of(database, SESSIONS):
            sessions = self.account.sessions
            archive(
                database,
                self.account.of(MESSAGES).filled,
                lambda id: (one := sessions.get(id)) is not None and one.row and not one.row_marked,
            )

    def _set_version(self, database: NewDatabase, written: Written) -> None:
        """See that schema_version says the number of what was made, once."""
        rows = database.query(f"SELECT version FROM {VERSION_TABLE}")
        if rows == [(self.structure.number,)]:
            return
        database.run(f"DELETE FROM {VERSION_TABLE}")
        database.run(f"INSERT INTO {VERSION_TABLE}(version) VALUES ({self.structure.number})")
        written.changed["schema_version_set"] += 1

    def _adopt(self, database: NewDatabase, written: Written) -> None:
        """Make a session for the messages of each one whose row is gone."""
        look = Look(database.connection, View.MAIN, self.folder / DATABASE)
        titled = "title" in _columns_of(database, SESSIONS)
        rows = database.query("SELECT title FROM sessions") if titled else []
        taken = {str(title) for (title,) in rows}
        for orphans in find_orphans(look):
            session_id = text(orphans.session_id)
            if session_id is None or not isinstance(orphans.session_id, str):
                continue
            row = adopted_session(look, session_id, orphans, taken, self.now)
            taken.add(str(row.get("title")))
            database.fill(SESSIONS, list(row), [tuple(row.values())], _must_fit)
            written.changed["sessions_made"] += 1

    def _set_marks(self, database: NewDatabase, ledger: Ledger) -> None:
        """Let no id be given out again that anything says was given out."""
        for table in ledger.tables:
            if table.highest_id is not None and table.name in self.structure.tables:
                set_mark(database, table.name, table.highest_id, known=table.highest_id_known)

    def _make_indexes(self, database: NewDatabase, side: SideFile, written: Written) -> None:
        self.tell("Making the indexes.")
        titled = "idx_sessions_title_unique" in self.structure.indexes
        if titled and self.structure.layout is not None:
            written.changed["titles_made_unique"] += _make_titles_unique(database)
        for name, sql in self.structure.indexes.items():
            try:
                database.run(sql)
            except (sqlite3.IntegrityError, sqlite3.OperationalError, sqlite3.DataError) as error:
                # A value twice, or one that is too large. Or a column that its table never had:
                # then there was no such index.
                if ("index", name) in self.source.assignment.schema:
                    written.left_out.append(f"index {name} ({error})")

    def _make_search(self, database: NewDatabase, layout: str, written: Written) -> None:
        """Make the search tables of the layout and fill them, by the rule that repairs them too."""
        if "state_meta" in self.structure.tables:
            marks = ", ".join(f"'{mark}'" for mark in UNFINISHED_REBUILD)
            if database.query(f"SELECT 1 FROM state_meta WHERE key IN ({marks})"):
                database.run(f"DELETE FROM state_meta WHERE key IN ({marks})")
                written.changed["unfinished_rebuild_settled"] += 1
        ids = database.query(
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM messages)"
            f" WHERE n % {SEARCH_STEP} = 0 ORDER BY id"
        )
        bounds = [whole(id_) for (id_,) in ids]
        for table in search_sources(layout):
            self.tell(f"Making the search index {table}.")
            for statement in rebuild(read_structure(database.query), layout, table, bounds):
                database.run(statement)
        there = {str(name) for (name,) in database.query("SELECT name FROM sqlite_master")}
        for name, sql in layout_statements(layout).items():
            if name.split()[-1] not in there and CJK not in name:
                database.run(sql)

    def _keep_the_rest(self, side: SideFile) -> None:
        """Keep what has no table, in the file or in the new one."""
        for table in self.not_made:
            for row in self.source.rows(table, lambda one: _aside(side, one)):
                side.keep(
                    table,
                    "its table is not made",
                    row.values.items(),
                    page=row.page,
                    rowid=row.rowid,
                )
        for page, cell in self.source.unassigned_rows():
            source = " or ".join(page.candidates) or None
            values = ((None, value) for value in cell.values or ())
            side.keep(source, page.why.value, values, page=cell.page, rowid=cell.rowid)

    def write_deleted(self) -> int:
        """Write what was deleted and can still be read to a file of its own; return the rows."""
        with SideFile(self.folder / DELETED) as side:
            for leaf, cell in deleted_cells(self.source.image, self.source.survey):
                if cell.values is None:
                    continue
                fitting = tables_of(cell.values, self.source.assignment.tables.values())
                names = fitting[0].names if len(fitting) == 1 else (None,) * len(cell.values)
                side.keep(
                    " or ".join(stored.name for stored in fitting) or None,
                    f"deleted, on a page that is {_PLACES[leaf.trust]}",
                    zip(names, cell.values, strict=False),
                    page=cell.page,
                    rowid=cell.rowid,
                )
            return side.rows


def _columns_of(
    database: NewDatabase, table: str, *, also_generated: bool = False
) -> frozenset[str]:
    """Return the columns that can be written, in lower case; with the generated ones on request."""
    rows = database.query("SELECT name, hidden FROM pragma_table_xinfo(?)", [table])
    return frozenset(folded(str(name)) for name, hidden in rows if also_generated or not hidden)


def _aside(side: SideFile, refused: Refused) -> None:
    """Keep a row that another of its key stands before; one that is broken has no values."""
    if refused.refusal is not Refusal.BROKEN and refused.values is not None:
        side.keep(
            refused.table,
            refused.refusal.value,
            refused.values.items(),
            page=refused.page,
            rowid=refused.rowid,
        )


def _must_fit(values: Sequence[Value], reason: str) -> None:
    raise HermesRepairError(
        f"A session could not be made for messages without one ({reason}).",
        "Nothing was written. Please report this.",
    )


def _make_titles_unique(database: NewDatabase) -> int:
    """Give every title but the last of its kind a name that says so; return how many.

    Two versions of a session may have been read that once followed each other.
    """
    # Ranked at once: asked title by title, without their index, it would be quadratic.
    twice = database.query(
        "SELECT id, title, started_at FROM (SELECT rowid AS place, id, title, started_at,"
        " row_number() OVER (PARTITION BY title"
        " ORDER BY started_at DESC, rowid DESC) AS nth FROM sessions WHERE title IS NOT NULL)"
        " WHERE nth > 1 ORDER BY place"
    )
    taken = {text(title) or "" for (title,) in database.query("SELECT title FROM sessions")}
    for session_id, title, started_at in twice:
        new = recovered_title(text(title) or "", utc_day(number(started_at) or 0.0), taken)
        taken.add(new)
        database.query("UPDATE sessions SET title = ? WHERE id = ?", [new, session_id])
    return len(twice)


def _finished(ledger: Ledger, written: Written) -> Ledger:
    """Return the ledger with what the tables took."""

    def told(table: TableLedger) -> TableLedger:
        refused = written.refused[table.name]
        aside = {**table.aside, "refused": refused} if refused else table.aside
        return replace(table, read=table.read - refused, aside=aside)

    return replace(
        ledger,
        tables=tuple(map(told, ledger.tables)),
        left_out=(*ledger.left_out, *written.left_out),
        changed=dict(+written.changed),
    )
