"""The ledger of a salvage: what was read of a damaged database, from where, and what is lost.

It names ids, counts and reasons, never a text or a title (R9). As a document it is kept beside the
database that was made; ``schema/json/salvage-ledger.json`` describes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT_VERSION = 1
VERSION_ROW = "version_row"
"""How a schema number is known that the file itself says; any other is deduced or chosen."""
VALUES_WITHOUT_A_COLUMN = "values_without_a_column"
"""What differs where the new table cannot have a column: those values lie in the side file."""
WRITTEN_BESIDE = "written_beside"
"""A note: another process wrote to the file meanwhile, and what it wrote may be missing."""
SEARCH_COPY = "search-copy"
"""Where a row comes from that no page gives any more: without the columns that are not indexed."""

LOWER_BOUND = "hermes-repair: at least so many ids were given, of "
"""Begins the name of a row of ``sqlite_sequence`` that salvage writes; that of a table follows."""

OPEN = 2**63 - 1
"""Where a run of ids ends of which no end is known."""

Ranges = tuple[tuple[int, int], ...]
"""Ids, the first and the last of each unbroken run."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that was read: its role (``main``, ``wal``, ``journal``), path and size in bytes."""

    role: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Something met in the files themselves: a name of ours, its words, how often."""

    name: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class TableLedger:
    """One table. Every count is of rows.

    ``read`` are in the new database. ``by_trust`` says how their place was proven, ``by_origin``
    from which file they come (``main``, ``wal``, ``journal``, ``search-copy``); ``in_doubt`` of
    them are marked, and ``marked`` says why, by the mark. ``broken`` were met and could not be
    read, by reason, and nothing else says more of them. ``aside`` are in the side file instead, by
    reason. ``lost`` are ids that an index or the search index proves and that no page gives any
    more, and ``lost_shown`` those of them of which it is known that their owner had not undone them
    (of messages; all ids of another table); ``lost_unnamed`` rows that are proven without their
    ids. ``gaps`` are ids within the range
    that nothing proves ever had a row. ``pages_lost`` are pages of its tree that are gone, and
    ``places_lost`` the rowids that lay there, if there were such (up to ``OPEN``: no end is known);
    ``witnessed``: an index that lost no page names every row, so that ``lost`` is all that is gone.
    ``tree_whole``: its tree is known and has lost no page, so that no row of it can be missing.
    ``ids_open``: where pages may be missing, ids up to the highest given out that are neither read
    nor lost: no more rows than that can be missing, if that highest is known. ``unknown_columns``:
    so many columns of the file have values whose names nothing tells; they are in no row.
    ``columns_by``: how the others are known. ``highest_id``: the highest id that AUTOINCREMENT ever
    gave, None where the table has none; ``highest_id_known``: its mark was read. If it was not,
    more may have been given and deleted since, and the new database says so (``sqlite_sequence``).
    """

    name: str
    read: int
    by_trust: Mapping[str, int] = field(default_factory=dict)
    by_origin: Mapping[str, int] = field(default_factory=dict)
    in_doubt: int = 0
    marked: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    aside: Mapping[str, int] = field(default_factory=dict)
    lost: Ranges = ()
    lost_unnamed: int = 0
    gaps: int = 0
    pages_lost: int = 0
    witnessed: bool = False
    tree_whole: bool = True
    ids_open: int = 0
    unknown_columns: int = 0
    columns_by: str = ""
    places_lost: Ranges = ()
    highest_id: int | None = None
    highest_id_known: bool = True
    lost_shown: Ranges = ()

    @property
    def lost_rows(self) -> int:
        """Rows that were there and are not read."""
        return in_ranges(self.lost) + self.lost_unnamed + sum(self.broken.values())

    @property
    def pages_in_question(self) -> int:
        """Pages that are gone and of which nothing tells what lay there."""
        return 0 if self.witnessed else self.pages_lost

    @property
    def proven_whole(self) -> bool:
        """Whether no row can be missing but those that are named: by its tree or an index."""
        return self.witnessed or self.tree_whole

    @property
    def complete(self) -> bool:
        """Whether every row was read as it was, and none is in doubt; and the mark of the ids."""
        filled = SEARCH_COPY in self.by_origin
        missing = self.lost_rows or self.aside or self.unknown_columns or not self.proven_whole
        return self.highest_id_known and not (missing or filled or self.in_doubt)


@dataclass(frozen=True, slots=True)
class SessionLedger:
    """One session that lost something, or of which something is in doubt.

    ``messages`` were read, ``marked`` of them are in doubt; ``lost`` are ids of messages that an
    index proves were in it. ``counted`` is what the session's own row says, None where there is no
    row or no such number. ``made``: its row is gone, and one was made for its messages.
    """

    session_id: str
    messages: int
    marked: int = 0
    lost: Ranges = ()
    counted: int | None = None
    made: bool = False
    row_marked: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything about one salvage.

    ``unread_pages`` hold nothing readable, and neither the freelist nor a tree says what they were:
    rows of any table may have lain there. ``tables_known``: whether page 1 and all other pages of
    sqlite_master were read, so that no table can be missing. ``schema``: the schema number, and
    ``schema_by`` how it is known. ``store`` names the file where that is not state.db but another
    database (``kanban.db``), which has no schema number (0). ``unassigned`` counts rows of pages
    that no table could be named for. ``left_out`` names objects of the schema that are no
    table of rows and not Hermes' own. ``orphans``: references that lead to no row, by table.
    ``changed``: what had to differ so that the tables take the rows, by words, with counts.
    ``deleted``: rows of freed pages that were written to a file of their own, None where that was
    not asked for.
    """

    sources: tuple[SourceFile, ...]
    page_size: int
    encoding: str
    pages: int
    unread_pages: int
    schema: int
    schema_by: str
    tables_known: bool = True
    notes: tuple[Noted, ...] = ()
    tables: tuple[TableLedger, ...] = ()
    sessions: tuple[SessionLedger, ...] = ()
    sessions_whole: int = 0
    unassigned: int = 0
    left_out: tuple[str, ...] = ()
    orphans: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    deleted: int | None = None
    store: str | None = None

    def table(self, name: str) -> TableLedger:
        """Return a table's part; an empty one where nothing of it was met."""
        return next((one for one in self.tables if one.name == name), TableLedger(name, 0))

    @property
    def complete(self) -> bool:
        """Whether it is certain that every row was read, and nothing about one is in doubt."""
        return (
            not self.unassigned
            and not self.left_out
            and not self.unread_pages
            and self.tables_known
            and (self.store is not None or self.schema_by == VERSION_ROW)
            and not any(session.made for session in self.sessions)
            and VALUES_WITHOUT_A_COLUMN not in self.changed
            and not any(note.name == WRITTEN_BESIDE for note in self.notes)
            and all(table.complete for table in self.tables)
        )


def lower_bound_name(table: str) -> str:
    """Return the name of the row of ``sqlite_sequence`` in a database that salvage made which says
    that the mark of a table is only a lower bound.

    SQLite looks for rows by the name of a table alone, so that it leaves this one as it is.
    """
    return LOWER_BOUND + table


def ranges_of(ids: Iterable[int]) -> Ranges:
    """Return ids as unbroken runs, in order."""
    runs: list[tuple[int, int]] = []
    for one in sorted(set(ids)):
        if runs and one == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], one)
        else:
            runs.append((one, one))
    return tuple(runs)


def ids_in(ranges: Ranges) -> frozenset[int]:
    """Return the ids of runs."""
    return frozenset(one for first, last in ranges for one in range(first, last + 1))


def in_ranges(ranges: Ranges) -> int:
    """Return how many ids there are in runs."""
    return sum(last - first + 1 for first, last in ranges)


def as_document(ledger: Ledger) -> dict[str, Any]:
    """Return the ledger as JSON has it."""
    return {
        "format_version": FORMAT_VERSION,
        "complete": ledger.complete,
        "store": ledger.store,
        "sources": [_fields(source) for source in ledger.sources],
        "pages": {
            "size": ledger.page_size,
            "encoding": ledger.encoding,
            "count": ledger.pages,
            "unread": ledger.unread_pages,
        },
        "schema": {
            "number": ledger.schema,
            "known_by": ledger.schema_by,
            "tables_known": ledger.tables_known,
        },
        "notes": [_fields(note) for note in ledger.notes],
        "tables": [{**_fields(table), "lost_rows": table.lost_rows} for table in ledger.tables],
        "sessions": [_fields(session) for session in ledger.sessions],
        "sessions_whole": ledger.sessions_whole,
        "unassigned": ledger.unassigned,
        "left_out": list(ledger.left_out),
        "orphans": dict(ledger.orphans),
        "changed": dict(ledger.changed),
        "deleted": ledger.deleted,
    }


def _fields(value: Any) -> dict[str, Any]:
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return dict(value) if isinstance(value, Mapping) else value


def from_document(document: Mapping[str, Any]) -> Ledger:
    """Return the ledger that :func:`as_document` gave this for.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else.
    """
    if document["format_version"] != FORMAT_VERSION:
        raise ValueError("a ledger of another version")
    pages = document["pages"]
    return Ledger(
        sources=tuple(SourceFile(**source) for source in document["sources"]),
        page_size=pages["size"],
        encoding=pages["encoding"],
        pages=pages["count"],
        unread_pages=pages["unread"],
        schema=document["schema"]["number"],
        schema_by=document["schema"]["known_by"],
        tables_known=document["schema"]["tables_known"],
        notes=tuple(Noted(**note) for note in document["notes"]),
        tables=tuple(_table(table) for table in document["tables"]),
        sessions=tuple(_session(session) for session in document["sessions"]),
        sessions_whole=document["sessions_whole"],
        unassigned=document["unassigned"],
        left_out=tuple(document["left_out"]),
        orphans=document["orphans"],
        changed=document["changed"],
        deleted=document["deleted"],
        store=document.get("store"),  # older ones have no such field
    )


def _table(document: Mapping[str, Any]) -> TableLedger:
    fields = {name: value for name, value in document.items() if name != "lost_rows"}
    later = ("places_lost", "lost_shown")  # older ones have no such fields
    ranges = {name: _ranges(fields.get(name, ())) for name in ("lost", *later)}
    return TableLedger(**{**fields, **ranges})


def _session(document: Mapping[str, Any]) -> SessionLedger:
    return SessionLedger(**{**document, "lost": _ranges(document["lost"])})


def _ranges(pairs: Iterable[tuple[int, int]]) -> Ranges:
    return tuple((first, last) for first, last in pairs)
