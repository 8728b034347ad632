"""Does the search index have every message that it is to have, and can it be read?

FTS5's own check, SQLite's pragmas and Hermes' health probe all call an index sound that has lost
its rows (Hermes #66724, #89293). So each search table is held against its source by ids, and its
storage is read without FTS5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from hermes_repair.evidence.fts5_storage import storage_damage
from hermes_repair.evidence.search_words import words_agree
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import whole
from hermes_repair.schema.recognise import Recognition
from hermes_repair.schema.search import missing_storage
from hermes_repair.schema.search_source import MESSAGES, SearchSource, search_sources
from hermes_repair.schema.structure import Structure
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A rebuild by Hermes: the ids above ``done``, up to ``end``, are not indexed yet."""

    done: int
    end: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The entries of a search table against its source.

    ``rows`` are those of the source, and ``every`` says that they are all messages. ``missing`` are
    those of them without an entry, ``extra`` the entries of no row. ``stale`` are entries with
    another text than the message has now, None where nobody asked for that (``--deep``) or the
    table keeps no text. ``words_agree`` is whether entries and messages have the same words, None
    where that was not asked, or could not be.
    """

    rows: int
    every: bool
    missing: int
    extra: int
    stale: int | None = None
    words_agree: bool | None = None

    @property
    def same_rows(self) -> bool:
        """Whether there is an entry of each row, and of nothing else."""
        return not (self.missing or self.extra)


@dataclass(frozen=True, slots=True)
class SearchTable:
    """One search table of a release's layout.

    ``coverage`` is None where its storage is ``damaged`` (clauses), or where counting takes longer
    than a reader may beside a live Hermes.
    """

    name: str
    damaged: tuple[str, ...]
    coverage: Coverage | None


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """What was seen of the search index; ``rebuild`` is one of Hermes' own that did not end."""

    tables: tuple[SearchTable, ...]
    rebuild: Rebuild | None


def read_search_index(
    look: Look,
    structure: Structure,
    recognition: Recognition,
    *,
    deep: bool,
    words: bool = False,
) -> SearchIndex:
    """Look at every search table; none where the layout is no release's, so nobody knows it.

    ``deep``: every leaf instead of a sample, and the copied texts against the messages. ``words``:
    what was indexed against the messages too, where nobody has the database open.
    """
    layout = recognition.search.layout
    if layout is None:
        return SearchIndex((), None)
    rebuild = _unfinished(look)
    lacking = missing_storage(structure)
    tables = []
    for source in search_sources(layout).values():
        declared = structure.virtual_tables.get(source.table)
        if declared is None:
            continue
        damaged = tuple(f"its table {name} is gone" for name in lacking if name in declared.storage)
        damaged += tuple(
            f"its table {name} is not as FTS5 makes it"
            for name in declared.storage
            if name in structure.altered_shadows
        )
        damaged = damaged or _damage(look, source.table, deep)
        ask = partial(_cover, source=source, rebuild=rebuild, contents=deep)
        coverage = None
        try:
            coverage = None if damaged else look.within_limit(ask)
            if words and coverage is not None and coverage.same_rows and not look.live:
                coverage = replace(coverage, words_agree=words_agree(look, source))
        except DatabaseUnreadable as error:
            _read_rows(look, source)
            damaged, coverage = _unreadable(error), None
        tables.append(SearchTable(source.table, damaged, coverage))
    return SearchIndex(tuple(tables), rebuild)


def asked_of_whole_tables(
    look: Look, structure: Structure, recognition: Recognition
) -> Iterator[str]:
    """Yield the queries that :func:`read_search_index` puts through :meth:`Look.counted`."""
    layout = recognition.search.layout
    if layout is not None:
        rebuild = _unfinished(look)
        for source in search_sources(layout).values():
            if source.table in structure.virtual_tables:
                yield _counting(source, rebuild)


def _damage(look: Look, table: str, deep: bool) -> tuple[str, ...]:
    try:
        ask = partial(storage_damage, table=table, every_leaf=deep)
        return look.within_limit(ask) or ()
    except DatabaseUnreadable as error:
        return _unreadable(error)


def _unreadable(error: DatabaseUnreadable) -> tuple[str]:
    return (f"it cannot be read ({error.message})",)


def _read_rows(look: Look, source: SearchSource) -> None:
    """Raise :class:`DatabaseUnreadable` where it is the messages that cannot be read."""
    lengths = ", ".join(f"SUM(length(CAST({value} AS BLOB)))" for value in source.values)
    look.one(f"SELECT {lengths} FROM {source.rows}")


def _unfinished(look: Look) -> Rebuild | None:
    """Return the rebuild that the marks of schema 23 and later tell of."""
    if not look.has("state_meta"):
        return None
    marks = {
        key: whole(value)
        for key, value in look.rows(
            "SELECT key, CAST(value AS INTEGER) FROM state_meta"
            " WHERE key IN ('fts_rebuild_high_water', 'fts_rebuild_progress')"
        )
    }
    if "fts_rebuild_high_water" not in marks:
        return None
    return Rebuild(marks.get("fts_rebuild_progress", -1), marks["fts_rebuild_high_water"])


def _cover(look: Look, source: SearchSource, rebuild: Rebuild | None, contents: bool) -> Coverage:
    rows, missing, extra = _counts(look, source, rebuild)
    stale = None
    if contents and source.copied:
        copy = quote(f"{source.table}_content")
        row = look.one(
            f"SELECT COUNT(*) FROM {source.rows} JOIN {copy} AS c ON c.id = s.id"
            f" WHERE c.c0 IS NOT ({source.values[0]})"
        )
        stale = whole(row[0]) if row else 0
    return Coverage(rows, source.rows == MESSAGES and not source.optional, missing, extra, stale)


def _counts(look: Look, source: SearchSource, rebuild: Rebuild | None) -> tuple[int, int, int]:
    """Return how many rows are due, how many of them have no entry, and the entries of no row.

    An id is one row and one entry, so a single pass tells both: entries that no row has met are of
    none.
    """
    [met] = look.counted(_counting(source, rebuild))
    rows, due_entries, of_rows = map(whole, met)
    [(counted,)] = look.counted(f"SELECT COUNT(*) FROM {_entries(source)}")
    return rows, rows - due_entries, whole(counted) - of_rows


def _counting(source: SearchSource, rebuild: Rebuild | None) -> str:
    due = f"NOT ({source.optional})" if source.optional else "1"
    if rebuild is not None:
        due += f" AND NOT (s.id > {rebuild.done} AND s.id <= {rebuild.end})"
    return (
        f"SELECT COUNT(*) FILTER (WHERE {due}), COUNT(e.id) FILTER (WHERE {due}), COUNT(e.id)"
        f" FROM {source.rows} LEFT JOIN {_entries(source)} AS e ON e.id = s.id"
    )


def _entries(source: SearchSource) -> str:
    return quote(f"{source.table}_docsize")
