"""One salvage from the damaged bytes to verified files, as the child process does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair.app.salvage_check import require_sound_salvage
from hermes_repair.app.salvage_writing import DATABASE, SalvageWriter
from hermes_repair.model.salvage_ledger import (
    Ledger,
    Noted,
    SourceFile,
    TableLedger,
    as_document,
    in_ranges,
)
from hermes_repair.records.plan_database import sync
from hermes_repair.salvage import Bundle, NoPages, Trust
from hermes_repair.salvage.account import MESSAGES, SESSIONS, Account
from hermes_repair.salvage.column_orders import side_store_tables
from hermes_repair.salvage.damaged_database import DamagedDatabase, damaged_database
from hermes_repair.salvage.given_ids import GivenIds, given_ids
from hermes_repair.salvage.schema_left import search_tables_left
from hermes_repair.schema.catalogue import NEWEST_TARGET
from hermes_repair.schema.declared_table import declared_table
from hermes_repair.schema.recognise import STORE
from hermes_repair.schema.salvaged_store import salvaged_store
from hermes_repair.schema.salvaged_structure import (
    KeptObject,
    SalvagedStructure,
    salvaged_structure,
)
from hermes_repair.schema.search import CJK, TABLES
from hermes_repair.schema.structure import SHADOW_SUFFIXES

LEDGER = "ledger.json"


@dataclass(frozen=True, slots=True)
class Salvage:
    """A damaged database whose rows were all read once. ``ledger`` says what can be read."""

    source: DamagedDatabase
    structure: SalvagedStructure
    account: Account
    ledger: Ledger
    now: float
    tell: Callable[[str], None]

    def write(self, folder: Path, *, deleted: bool = False) -> Ledger:
        """Write the new database, the side files and the ledger into ``folder``, and fsync them.

        Returns the ledger with what became of the rows. Raises
        :class:`~hermes_repair.model.errors.HermesRepairError` where the database is not sound.
        """
        writer = SalvageWriter(
            self.source,
            self.structure,
            self.account,
            _not_made(self.source, self.structure),
            folder,
            self.now,
            self.tell,
        )
        ledger = writer.write(self.ledger)
        if deleted:
            self.tell("Looking for what was deleted.")
            ledger = replace(ledger, deleted=writer.write_deleted())
        self.tell("Checking the new database.")
        orphans = require_sound_salvage(folder / DATABASE, ledger, self.structure.layout)
        ledger = replace(ledger, orphans=orphans)
        text = json.dumps(as_document(ledger), indent=1) + "\n"
        (folder / LEDGER).write_text(text, encoding="utf-8")
        for path in folder.iterdir():
            path.chmod(0o600)
            sync(path)
        return ledger


@contextmanager
def salvage_of(  # noqa: PLR0913 - what is known of the files, by name
    bundle: Bundle,
    now: float,
    tell: Callable[[str], None],
    notes: tuple[Noted, ...] = (),
    expected: int | None = None,
    store: str | None = None,
) -> Iterator[Salvage]:
    """Read a damaged database for what can be salvaged of it; ``notes`` go into its ledger.

    ``expected`` is the schema number that the installed Hermes expects, None where none is known.
    ``store`` is the name of a database that is not state.db; one whose name Hermes does not have
    may be a copy of state.db, and is taken for what it is.

    Raises :class:`~hermes_repair.salvage.bundle.NoPages`, also where there is no message and no
    session in it, or no row of a store, and ``OSError``.
    """
    with _opened(bundle, tell, expected, store) as (source, name):
        structure = _structure(source, expected, name)
        account = source.count([*structure.tables, *_not_made(source, structure)], tell)
        ledger = _ledger(bundle, source, structure, account)
        ledger = replace(ledger, notes=(*notes, *ledger.notes), store=name)
        what = "row" if name is not None else "message and no session"
        if not (_rows(ledger) if name is not None else _conversations(ledger)):
            raise NoPages(
                f"No {what} can be read from these files.",
                "Nothing was written. Look for a copy of the database.",
            )
        yield Salvage(source, structure, account, ledger, now, tell)


def _conversations(ledger: Ledger) -> int:
    return ledger.table(MESSAGES).read + ledger.table(SESSIONS).read


def _rows(ledger: Ledger) -> int:
    aside = sum(sum(table.aside.values()) for table in ledger.tables)
    return ledger.unassigned + aside + sum(table.read for table in ledger.tables)


@contextmanager
def _opened(
    bundle: Bundle, tell: Callable[[str], None], expected: int | None, store: str | None
) -> Iterator[tuple[DamagedDatabase, str | None]]:
    """Open a database by what is known of it; yield it, and its name unless it is a state.db."""
    known = side_store_tables(store) if store is not None else None
    if known is None or not known.tables:
        with damaged_database(bundle, tell, expected) as source:
            if known is None or source.with_rows() >= STORE.keys():
                yield source, None
                return
    with damaged_database(bundle, tell, expected, known) as source:
        yield source, store


def _structure(
    source: DamagedDatabase, expected: int | None, store: str | None
) -> SalvagedStructure:
    kept = [
        KeptObject(
            row.type,
            row.name,
            row.table,
            row.sql,
            certain=row.trust is Trust.TREE and not row.stale,
        )
        for row in source.assignment.schema.values()
        if row.sql
    ]
    if store is not None:
        tables = source.assignment.tables
        columns = {name: [c for c in tables[name].stored.names if c] for name in source.with_rows()}
        return salvaged_store(store, kept, columns)
    number = source.assignment.number
    if number is None:
        number = NEWEST_TARGET if expected is None else expected
    return salvaged_structure(number, kept, source.with_rows())


def _not_made(source: DamagedDatabase, structure: SalvagedStructure) -> list[str]:
    """Return the tables of the file that the new one will not have, and whose rows are kept apart.

    What SQLite and FTS5 keep for themselves is made anew, but for the texts of a search table that
    is not Hermes'.
    """
    own = {*TABLES, CJK}
    foreign = search_tables_left(source.assignment.schema).keys() - own
    storage = {f"{name}_{part}" for name in own | foreign for part in SHADOW_SUFFIXES}
    storage -= {f"{name}_content" for name in foreign}
    return [
        name
        for name in source.assignment.tables
        if name not in structure.tables and name not in storage and not name.startswith("sqlite_")
    ]


def _kept_apart(table: TableLedger) -> TableLedger:
    aside = {**table.aside, "not_made": table.read} if table.read else table.aside
    return replace(table, read=0, aside=aside)


def _ledger(
    bundle: Bundle, source: DamagedDatabase, structure: SalvagedStructure, account: Account
) -> Ledger:
    """Return what can be read, before anything is written."""
    image, assignment = source.image, source.assignment
    roles = {"main": bundle.main, "wal": bundle.wal, "journal": bundle.journal}
    unread = sum(1 for _ in source.survey.unaccounted())
    sessions = tuple(sorted(account.session_ledgers(), key=lambda one: one.session_id))
    given = given_ids(source, _counted(structure))
    return Ledger(
        sources=tuple(
            SourceFile(role, str(path), path.stat().st_size)
            for role, path in roles.items()
            if path is not None and path.exists()
        ),
        page_size=image.page_size,
        encoding=image.encoding.codec,
        pages=image.page_count,
        unread_pages=unread,
        schema=structure.number,
        schema_by=assignment.number_from.name.lower(),
        tables_known=source.survey.schema_known,
        notes=tuple(
            Noted(note.fact.name.lower(), note.fact.value, note.count) for note in image.notes
        ),
        tables=(
            *(_table_ledger(source, account, name, given.get(name)) for name in structure.tables),
            *(
                _kept_apart(_table_ledger(source, account, name))
                for name in _not_made(source, structure)
            ),
        ),
        sessions=sessions,
        sessions_whole=account.whole_sessions(),
        unassigned=sum(1 for _ in source.unassigned_rows()),
        left_out=structure.left_out,
    )


def _table_ledger(
    source: DamagedDatabase, account: Account, name: str, given: GivenIds | None = None
) -> TableLedger:
    """Return what the ledger says of a table; of messages also how many may be missing.

    ``given``: how far its ids had gone, None where it has no AUTOINCREMENT. What sessions count
    drifts in sound databases too, so it is asked only where pages of messages may be missing, and
    no more is believed than there are ids for.
    """
    witnessed = source.witnesses.has_all(name)
    ledger = account.table_ledger(source.assignment, name, witnessed=witnessed)
    if given is not None:
        ledger = replace(ledger, highest_id=given.highest, highest_id_known=given.known)
        if given.known:
            places = [(first, min(last, given.highest)) for first, last in ledger.places_lost]
            there = tuple((first, last) for first, last in places if first <= last)
            ledger = replace(ledger, places_lost=there)
    if name != MESSAGES or ledger.proven_whole:
        return ledger
    highest = source.witnesses.highest(name) if given is None else given.highest
    ids_open = max(highest - ledger.read - in_ranges(ledger.lost), 0)
    lost = min(account.counted_more(), ids_open)
    return replace(ledger, ids_open=ids_open, lost_unnamed=lost)


def _counted(structure: SalvagedStructure) -> list[str]:
    """Return the tables of the new database that have AUTOINCREMENT."""
    declared = {name: declared_table(sql) for name, sql in structure.tables.items()}
    return [name for name, table in declared.items() if table is not None and table.autoincrement]
