"""Make a search table anew, in the layout that is there, from the text that it is made of.

One way for every layout and every damage: after 167 damages in six layouts it had the words of the
undamaged index (SQLite 3.40.1). First the storage is made readable, for a plain DROP fails where
FTS5 cannot read it; then the table is dropped, made and filled, and its triggers come last. FTS5's
own ``rebuild`` is wrong where the table keeps the text itself, and so is delete-and-insert where
its totals or leaves are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hermes_repair.schema.search_source import SearchSource, layout_statements, search_sources
from hermes_repair.schema.sql_text import kind_of
from hermes_repair.schema.structure import Structure
from hermes_repair.store.connections import quote

_STORAGE = {
    "config": "(k PRIMARY KEY, v) WITHOUT ROWID",
    "content": "(id INTEGER PRIMARY KEY, c0)",
    "data": "(id INTEGER PRIMARY KEY, block BLOB)",
    "docsize": "(id INTEGER PRIMARY KEY, sz BLOB)",
    "idx": "(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID",
}
"""How FTS5 makes each of its tables, for a search table of one column where it keeps the text."""

_NOTHING_INDEXED = (
    "DELETE FROM {config} WHERE k = 'version'",
    "INSERT INTO {config}(k, v) VALUES ('version', 4)",
    "DELETE FROM {idx}",
    "DELETE FROM {data}",
    "INSERT INTO {data}(id, block) VALUES (1, x''), (10, x'0000000000000000')",
)
"""What makes an index of any state one of no words, which FTS5 can open and drop."""


def rebuild(
    structure: Structure, layout: str, table: str, bounds: Sequence[int]
) -> tuple[str, ...]:
    """Return the statements that make ``table`` anew as ``layout`` has it, and fill it.

    ``bounds`` are ids of messages between which it is filled in one go, so that progress can be
    shown.
    """
    source = search_sources(layout)[table]
    view = []
    if source.view is not None:
        view = [f"DROP VIEW {quote(source.view)}"] if source.view in structure.views else []
        view.append(layout_statements(layout)[f"view {source.view}"])
    statements = [source.create, *source.triggers]
    return (*view, *refill(structure, table, statements, _fill(source), bounds))


def is_right(structure: Structure, final: Structure, statements: Sequence[str]) -> bool:
    """Whether what ``statements`` make, a search table and its triggers, is as the target has it.

    A missing trigger means that rows may have passed the index by, so it is not right then either.
    """
    (_, table), *triggers = map(kind_of, statements)
    return structure.virtual_tables.get(table) == final.virtual_tables.get(table) and all(
        structure.triggers.get(name) == final.triggers.get(name) for _, name in triggers
    )


def refill(
    structure: Structure, table: str, statements: Sequence[str], fill: str, bounds: Sequence[int]
) -> list[str]:
    """Return the statements that remove what there is of ``table``, make it and fill it.

    ``statements`` make the table and then its triggers. ``fill`` fills the ids from ``:first`` to
    ``:last`` and is repeated for every range between the ``bounds``.
    """
    create, *triggers = statements
    names = [kind_of(sql)[1] for sql in triggers]
    return [
        *(f"DROP TRIGGER {quote(name)}" for name in names if name in structure.triggers),
        *_dropped(structure, table),
        create,
        *_filled(fill, bounds),
        *triggers,
    ]


def _filled(fill: str, bounds: Sequence[int]) -> list[str]:
    firsts = [-(2**63), *(bound + 1 for bound in bounds)]
    lasts = [*bounds, 2**63 - 1]
    return [
        fill.replace(":first", str(first)).replace(":last", str(last))
        for first, last in zip(firsts, lasts, strict=True)
    ]


def _dropped(structure: Structure, table: str) -> Iterator[str]:
    """Yield what removes a search table in whatever state, and what is left of its storage."""
    there = structure.virtual_tables.get(table)
    if there is None:
        strays = (f"{table}_{part}" for part in _STORAGE)
        kept = structure.tables.keys() | structure.shadow_tables
        yield from (f"DROP TABLE {quote(name)}" for name in strays if name in kept)
        return
    for name in there.storage:
        if name in structure.altered_shadows:
            yield f"DROP TABLE {quote(name)}"
        if name not in structure.shadow_tables or name in structure.altered_shadows:
            part = name.removeprefix(f"{table}_")
            yield f"CREATE TABLE {quote(name)}{_STORAGE[part]}"
    named = {part: quote(f"{table}_{part}") for part in _STORAGE}
    yield from (sql.format(**named) for sql in _NOTHING_INDEXED)
    yield f"DROP TABLE {quote(table)}"


def _fill(source: SearchSource) -> str:
    columns, values = ", ".join(source.columns), ", ".join(source.values)
    return (
        f"INSERT INTO {quote(source.table)}(rowid, {columns}) SELECT s.id, {values}"
        f" FROM {source.rows} WHERE s.id BETWEEN :first AND :last"
    )
