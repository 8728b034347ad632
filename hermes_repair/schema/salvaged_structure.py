"""What a salvaged database is made of: the statements of its number, and what its own file says.

A table has the columns that it had, so its own CREATE statement is taken where a page still holds
one; an upgraded database differs from every new one. What Hermes never made and what acts by itself
(triggers, views, references that cascade) is left out and named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

from hermes_repair.schema import catalogue_root
from hermes_repair.schema.catalogue import default_catalogue, read_script
from hermes_repair.schema.declared_table import declared_table
from hermes_repair.schema.foreign_objects import find_foreign_objects, tables_of_hermes
from hermes_repair.schema.recognise import STORE, is_of_a_store
from hermes_repair.schema.search import (
    CJK,
    TABLES,
    expected_layouts,
    layout_of_shape,
    read_search,
)
from hermes_repair.schema.search_source import search_sources
from hermes_repair.schema.sql_text import folded, kind_of, normal, statements, tokens
from hermes_repair.schema.structure import (
    SHADOW_SUFFIXES,
    Structure,
    Table,
    Trigger,
    VirtualTable,
    virtual_table_of,
)

_WRITTEN = frozenset({"version", "key", "title", "tool_name", "tool_calls"})
"""What is asked of tables when they are filled and indexed, beside what every store has. A CREATE
TABLE without it is damaged."""


@dataclass(frozen=True, slots=True)
class KeptObject:
    """A row of sqlite_master that a page still holds: its type, name, table and CREATE statement.

    ``certain``: it hangs in the tree of the schema and no later image of its page was lost.
    """

    type: str
    name: str
    table: str
    sql: str
    certain: bool


@dataclass(frozen=True, slots=True)
class SalvagedStructure:
    """The statements that make a new database of schema ``number``.

    ``tables`` are CREATE statements by name, ``indexes`` too; ``layout`` names that of the search
    tables, None for a database that is not state.db (and ``number`` is 0 then). ``last`` is what is
    run when the rows are in: Hermes' views and triggers beside those of the search tables, which
    must not see the rows come in. ``left_out`` are objects of the file that are not made again
    (``trigger x``).
    """

    number: int
    tables: Mapping[str, str]
    indexes: Mapping[str, str]
    layout: str | None
    last: Mapping[str, str]
    left_out: tuple[str, ...]


def salvaged_structure(
    number: int, kept: Sequence[KeptObject], with_rows: Collection[str]
) -> SalvagedStructure:
    """Return what to make for a database of schema ``number``.

    ``kept``: what its file still says, the more trusted first. ``with_rows``: tables of which rows
    were met; tables that Hermes makes when a feature is first used are made for these alone. A
    number whose structure is not known needs its own statements of the conversations; without them
    it becomes the newest known number below, and Hermes takes it further.
    """
    version = default_catalogue().nearest(number)
    own = _own_tables(kept)
    tables: dict[str, str] = {}
    shape = min(version.shapes, key=lambda name: _lacking(version.shapes[name], own))
    made = _objects(shape)
    known = {name: sql for (kind, name), sql in made.items() if kind == "table"}
    side = {name: sql for (kind, name), sql in _objects("side").items() if kind == "table"}
    for name, sql in {**known, **side}.items():
        mine = own.get(name)
        if mine is not None and has_columns_of(mine.table, sql, _WRITTEN if mine.certain else ()):
            tables[name] = mine.sql
        elif name in known or mine is not None or name in with_rows:
            tables[name] = sql
    tables |= {name: mine.sql for name, mine in own.items() if name not in tables_of_hermes()}
    if number != version.number and not all(name in own for name in STORE):
        number = version.number
    indexes = _indexes(made, tables, kept)
    last = {
        name: sql
        for (kind, name), sql in made.items()
        if kind in ("view", "trigger") and not name.startswith(TABLES[0])
    }
    return SalvagedStructure(
        number=number,
        tables=tables,
        indexes=indexes,
        layout=_layout(number, kept, with_rows),
        last=last,
        left_out=tuple(sorted(set(left_out(kept, {*tables, *indexes, *last})))),
    )


@dataclass(frozen=True, slots=True)
class _Own:
    """A table by its own statement in the file."""

    sql: str
    table: Table
    certain: bool


def _own_tables(kept: Sequence[KeptObject]) -> dict[str, _Own]:
    """Return the ordinary tables of the file by name, but for what acts by itself."""
    own: dict[str, _Own] = {}
    search = {*TABLES, CJK}
    shadows = {f"{name}_{part}" for name in search for part in SHADOW_SUFFIXES} | search
    shadows |= {folded(f"{one.name}_{part}") for one in kept for part in SHADOW_SUFFIXES}
    for one in kept:
        name, low = one.name, folded(one.name)
        if one.type != "table" or name in own or low in shadows or low.startswith("sqlite_"):
            continue
        table = ordinary_table(one)
        if table is None or not is_of_a_store(table):
            continue
        alone = Structure(tables={table.name: table})
        if not find_foreign_objects(alone, default_catalogue().known_numbers()[-1]):
            own[name] = _Own(one.sql, table, one.certain)
    return own


def ordinary_table(one: KeptObject) -> Table | None:
    """Return the one table that a statement makes, None where it makes none or something else."""
    declared = declared_table(one.sql)
    listed = list(islice(tokens(one.sql), 4))[3:] == ["("]  # and not: AS SELECT
    if declared is None or declared.name != folded(one.name) or not listed:
        return None
    if len(list(statements(one.sql))) != 1:
        return None
    try:
        (table,) = read_script(one.sql).tables.values()
    except ValueError:
        return None
    return replace(table, name=one.name) if folded(table.name) == folded(one.name) else None


def has_columns_of(table: Table, sql: str, asked: Collection[str] = ()) -> bool:
    """Whether a table has every column that a CREATE TABLE of ours gives it.

    Of these only the ones that are ``asked`` for, if any are.
    """
    (expected,) = read_script(sql).tables.values()
    names = {column.name for column in expected.columns}
    return all(table.column(name) is not None for name in (names & {*asked} if asked else names))


def _lacking(shape: Structure, own: Mapping[str, _Own]) -> int:
    """Return how many columns of a shape the file's own tables do not have."""
    return sum(
        own[name].table.column(column.name) is None
        for name, table in shape.tables.items()
        if name in own
        for column in table.columns
    )


@cache
def _objects(script: str) -> Mapping[tuple[str, str], str]:
    """Return the statements of a structure file by kind and name."""
    path = catalogue_root() / "db" / "structure" / f"{script}.sql"
    return {kind_of(sql): sql for sql in statements(path.read_text(encoding="utf-8"))}


@cache
def _indexes_of_releases() -> frozenset[str]:
    scripts = [name for one in default_catalogue().versions.values() for name in one.shapes]
    return frozenset(
        normal(sql)
        for script in (*scripts, "side")
        for (kind, _), sql in _objects(script).items()
        if kind == "index"
    )


def _indexes(
    made: Mapping[tuple[str, str], str], tables: Mapping[str, str], kept: Sequence[KeptObject]
) -> dict[str, str]:
    """Return the indexes of the number, and those of the file that a release makes.

    An index on a table of somebody's own is kept as it was.
    """
    indexes = {
        name: sql
        for script in (made, _objects("side"))
        for (kind, name), sql in script.items()
        if kind == "index" and table_of_index(sql) in tables
    }
    for one in kept:
        if one.type != "index" or one.table not in tables or one.name in indexes:
            continue
        foreign = one.table not in tables_of_hermes()
        if makes_index(one) and (foreign or normal(one.sql) in _indexes_of_releases()):
            indexes[one.name] = one.sql
    return indexes


def makes_index(one: KeptObject) -> bool:
    """Whether the statement of an index makes that index and nothing else."""
    try:
        kind, name = kind_of(one.sql)
        alone = len(list(statements(one.sql))) == 1
        return alone and (kind, name.strip('"')) == ("index", folded(one.name))
    except ValueError:
        return False


def table_of_index(sql: str) -> str:
    """Return the table that a CREATE INDEX of ours is on."""
    return normal(sql).split(" on ", 1)[1].split(" ", 1)[0]


def _layout(number: int, kept: Sequence[KeptObject], with_rows: Collection[str]) -> str:
    """Return the layout of the search tables: that of the file, else the number's own."""
    live = _search_structure(kept)
    search = read_search(live, number)
    if search.layout is not None:
        return search.layout
    copied = f"{TABLES[0]}_content" in with_rows
    fitting = [
        name
        for name in expected_layouts(number)
        if copied and any(source.copied for source in search_sources(name).values())
    ]
    if fitting:
        return fitting[0]
    if search.likely is not None and (live.triggers or live.views):
        return search.likely
    return layout_of_shape(default_catalogue().nearest(number).structure)


def _search_structure(kept: Sequence[KeptObject]) -> Structure:
    virtual: dict[str, VirtualTable] = {}
    triggers: dict[str, Trigger] = {}
    views: dict[str, str] = {}
    for one in kept:
        if not one.name.startswith(TABLES[0]) or one.name in {*virtual, *triggers, *views}:
            continue
        module = virtual_table_of(one.name, one.sql) if one.type == "table" else None
        if module is not None:
            virtual[one.name] = module
        elif one.type == "trigger":
            triggers[one.name] = Trigger(one.name, one.table, normal(one.sql))
        elif one.type == "view":
            views[one.name] = normal(one.sql)
    return Structure(triggers=triggers, views=views, virtual_tables=virtual)


def left_out(kept: Sequence[KeptObject], made: Collection[str]) -> Iterator[str]:
    """Yield what the file has, and the new database will not: it has the names ``made``."""
    search = {f"{name}_{part}" for name in (*TABLES, CJK) for part in SHADOW_SUFFIXES} | {*TABLES}
    virtual = {one.name for one in kept if virtual_table_of(one.name, one.sql) is not None}
    shadows = {f"{name}_{part}" for name in virtual for part in SHADOW_SUFFIXES}
    for one in kept:
        if one.name in {*made, *search, *shadows} or one.name.startswith("sqlite_"):
            continue
        if one.type in ("trigger", "view") and one.name.startswith(TABLES[0]):
            continue
        yield f"{one.type} {one.name}"
