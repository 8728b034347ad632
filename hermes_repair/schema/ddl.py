"""Read the CREATE and ADD COLUMN statements of our own schema files into :mod:`.structure` values.

The dialect is what those files use: column and key constraints, no CHECK, no COLLATE, no UNIQUE.
Anything else raises ``ValueError``, so that a mistake in a data file cannot pass unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice

from hermes_repair.schema.sql_text import normal, split_arguments, statements, tokens
from hermes_repair.schema.structure import (
    SHADOW_SUFFIXES,
    Column,
    ForeignKey,
    Index,
    Structure,
    Table,
    Trigger,
    VirtualTable,
    index_of,
    virtual_table_of,
)

_ACTIONS = {"cascade": "CASCADE", "restrict": "RESTRICT"}


def read_script(script: str) -> Structure:
    """Return the structure that a script of CREATE statements makes in an empty database."""
    tables: dict[str, Table] = {}
    indexes: dict[str, Index] = {}
    triggers: dict[str, Trigger] = {}
    views: dict[str, str] = {}
    virtual: dict[str, VirtualTable] = {}
    for sql in statements(script):
        match _read(sql):
            case Table() as table:
                tables[table.name] = table
            case Index() as index:
                indexes[index.name] = index
            case Trigger() as trigger:
                triggers[trigger.name] = trigger
            case VirtualTable() as table:
                virtual[table.name] = table
            case name, view:
                views[name] = view
    for table in tables.values():
        if keeps_key_index(table):
            name = f"sqlite_autoindex_{table.name}_1"
            indexes[name] = Index(name, table.name, unique=True, sql=None)
    return Structure(
        tables=tables,
        indexes=indexes,
        triggers=triggers,
        views=views,
        virtual_tables=virtual,
        shadow_tables=frozenset(s for table in virtual.values() for s in shadow_names(table)),
    )


@cache  # one number has most statements of the one before it
def _read(sql: str) -> Table | Index | Trigger | VirtualTable | tuple[str, str]:
    """Return what one CREATE makes; a view is its name and its normalised text."""
    match kind_of(sql):
        case "table", _:
            return read_table(sql)
        case "index", _:
            return read_index(sql)
        case "trigger", _:
            return read_trigger(sql)
        case "view", name:
            return name, normal(sql)
        case "virtual table", _:
            return read_virtual_table(sql)
        case kind, _:
            raise ValueError(f"a structure file holds only CREATE, not {kind}: {sql[:60]}")


def kind_of(sql: str) -> tuple[str, str]:
    """Return what a statement of ours is (``table``, ``column``, ``index``, ...) and its name.

    ``column`` is ``ALTER TABLE t ADD COLUMN c ...``, named ``t.c``.
    """
    match list(islice(tokens(sql), 6)):
        case ["create", "virtual", "table", name, *_]:
            return "virtual table", name
        case ["create", "unique", "index", name, *_]:
            return "index", name
        case ["create", ("table" | "index" | "trigger" | "view") as kind, name, *_]:
            return kind, name
        case ["alter", "table", table, "add", "column", column]:
            return "column", f"{table}.{column}"
    raise ValueError(f"not a statement of a schema file: {sql[:60]}")


def read_table(sql: str) -> Table:
    """Return the table of one CREATE TABLE."""
    found = list(tokens(sql))
    name, inner = found[2], found[4:-1]
    if found[3] != "(" or found[-1] != ")":
        raise ValueError(f"table {name}: only a plain list of columns is read")
    columns: list[Column] = []
    keys: list[ForeignKey] = []
    primary: Sequence[str] = ()
    for part in split_arguments(inner):
        if part[:2] == ["primary", "key"]:
            primary = [word for word in part[3:-1] if word != ","]
            continue
        column, key = read_column(part)
        columns.append(column)
        if key is not None:
            keys.append(key)
    if primary:
        at = {column: number for number, column in enumerate(primary, 1)}
        columns = [replace(column, pk=at.get(column.name, 0)) for column in columns]
    return Table(name, tuple(columns), frozenset(keys), autoincrement="autoincrement" in found)


def read_column(found: Sequence[str]) -> tuple[Column, ForeignKey | None]:
    """Return the column (and the reference it makes) of one column definition, as tokens."""
    if len(found) < 2:
        raise ValueError(f"a column needs a name and a type: {' '.join(found)}")
    column = Column(found[0], found[1].upper())
    key: ForeignKey | None = None
    rest = list(found[2:])
    while rest:
        match rest:
            case ["primary", "key", "autoincrement", *tail] | ["primary", "key", *tail]:
                column = replace(column, pk=1)
            case ["not", "null", *tail]:
                column = replace(column, not_null=True)
            case ["default", value, *tail]:
                column = replace(column, default=value)
            case ["references", table, "(", target, ")", "on", "delete", action, *tail]:
                key = ForeignKey((column.name,), table, (target,), on_delete=_ACTIONS[action])
            case ["references", table, "(", target, ")", *tail]:
                key = ForeignKey((column.name,), table, (target,))
            case _:
                raise ValueError(f"column {column.name}: cannot read {' '.join(rest)}")
        rest = list(tail)
    return column, key


def read_index(sql: str) -> Index:
    """Return the index of one CREATE INDEX."""
    name = kind_of(sql)[1]
    on = normal(sql).split(" on ", 1)[1]
    return index_of(name, on.split(" ", 1)[0], sql)


def read_trigger(sql: str) -> Trigger:
    """Return the trigger of one CREATE TRIGGER."""
    found = list(tokens(sql))
    return Trigger(found[2], found[found.index("on") + 1], normal(sql))


def read_virtual_table(sql: str) -> VirtualTable:
    """Return the FTS5 table of one CREATE VIRTUAL TABLE."""
    table = virtual_table_of(kind_of(sql)[1], sql)
    if table is None or table.module != "fts5":
        raise ValueError(f"only FTS5 tables are known: {sql[:60]}")
    return table


def shadow_names(table: VirtualTable) -> Iterator[str]:
    """Yield the tables that FTS5 makes for ``table``; no ``_content`` where the text is outside."""
    external = any(argument.startswith("content =") for argument in table.arguments)
    for suffix in SHADOW_SUFFIXES:
        if not (external and suffix == "content"):
            yield f"{table.name}_{suffix}"


def keeps_key_index(table: Table) -> bool:
    """Whether SQLite makes an index for the key: always but for one INTEGER column."""
    key = [column for column in table.columns if column.pk]
    return bool(key) and not (len(key) == 1 and key[0].type == "INTEGER")
