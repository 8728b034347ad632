"""What a salvaged database is made of that is not state.db: its own statements, or a release's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from hermes_repair.schema.salvaged_structure import (
    KeptObject,
    SalvagedStructure,
    has_columns_of,
    left_out,
    makes_index,
    ordinary_table,
    table_of_index,
)
from hermes_repair.schema.side_store_structures import side_store_scripts
from hermes_repair.schema.sql_text import kind_of, statements
from hermes_repair.schema.structure import SHADOW_SUFFIXES, virtual_table_of

Objects = Mapping[tuple[str, str], str]


def salvaged_store(
    name: str, kept: Sequence[KeptObject], columns: Mapping[str, Collection[str]]
) -> SalvagedStructure:
    """Return what to make for a database by the name of its file (``kanban.db``).

    ``kept``: what the file still says, the more trusted first; ``columns`` are those of each table
    of which rows were met. What the file lacks is taken from the oldest release that has all of
    that: a later one adds what it needs. Of a file that Hermes does not make only its own tables
    and indexes are left. Triggers and search tables are made where they are a release's.
    """
    releases = [_objects(script) for script in side_store_scripts(name)]
    made = min(releases, key=lambda release: _lacking(release, columns), default={})
    known = {table: sql for (kind, table), sql in made.items() if kind == "table"}
    tables = {**known, **dict(_own_tables(kept, known))}
    indexes = {
        index: sql
        for (kind, index), sql in made.items()
        if kind == "index" and table_of_index(sql) in tables
    }
    for one in kept:
        if one.type == "index" and one.table in tables and makes_index(one):
            indexes.setdefault(one.name, one.sql)
    last = dict(_last(made))
    return SalvagedStructure(
        number=0,
        tables=tables,
        indexes=indexes,
        layout=None,
        last=last,
        left_out=tuple(sorted(set(left_out(kept, {*tables, *indexes, *last})))),
    )


def _objects(script: str) -> Objects:
    return {kind_of(sql): sql for sql in statements(script)}


def _lacking(release: Objects, columns: Mapping[str, Collection[str]]) -> int:
    """Return how many columns of which there are values a release does not have."""
    lacking = 0
    for table, names in columns.items():
        sql = release.get(("table", table))
        declared = ordinary_table(KeptObject("table", table, table, sql, True)) if sql else None
        if declared is not None:
            lacking += sum(declared.column(one) is None for one in names)
        else:
            lacking += len(names)
    return lacking


def _own_tables(kept: Sequence[KeptObject], known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the ordinary tables of the file; one that is not certain only if it may be right."""
    virtual = {one.name for one in kept if virtual_table_of(one.name, one.sql) is not None}
    shadows = {f"{name}_{part}" for name in virtual for part in SHADOW_SUFFIXES}
    done: set[str] = set()
    for one in kept:
        if one.type != "table" or one.name in done | shadows or one.name.startswith("sqlite_"):
            continue
        table = ordinary_table(one)
        if table is None:
            continue
        expected = known.get(one.name)
        if one.certain or expected is None or has_columns_of(table, expected):
            done.add(one.name)
            yield one.name, one.sql


def _last(made: Objects) -> Iterator[tuple[str, str]]:
    """Yield the search tables of a release, with their entries, and then its triggers and views.

    The texts of such a search table are in a table of rows, and FTS5 reads them there.
    """
    for (kind, name), sql in made.items():
        if kind == "virtual table":
            yield name, sql
            yield f"{name}, filled", f"INSERT INTO {name}({name}) VALUES ('rebuild')"
    for (kind, name), sql in made.items():
        if kind in ("trigger", "view"):
            yield name, sql
