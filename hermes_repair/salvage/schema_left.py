"""What is left of a database's schema: tables and indexes as their rows of sqlite_master say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hermes_repair.salvage.assignment import AssignedIndex
from hermes_repair.salvage.leaves import SchemaRow, Trust
from hermes_repair.schema.declared_table import asked, declared_table
from hermes_repair.schema.foreign_objects import tables_of_hermes
from hermes_repair.schema.recognise import holds_conversations, is_of_a_store, newest_number
from hermes_repair.schema.sql_text import folded, split_arguments, tokens
from hermes_repair.schema.structure import Structure, Table, VirtualTable, virtual_table_of

Schema = Mapping[tuple[str, str], SchemaRow]

OF_SQLITE = {
    "sqlite_sequence": "CREATE TABLE sqlite_sequence(name, seq)",
    "sqlite_stat1": "CREATE TABLE sqlite_stat1(tbl, idx, stat)",
    "sqlite_master": "CREATE TABLE sqlite_master(type, name, tbl_name, rootpage INTEGER, sql TEXT)",
}
"""Tables of SQLite's own, whose SQL is the same in every database."""


def best_rows(found: Iterable[SchemaRow]) -> dict[tuple[str, str], SchemaRow]:
    """Return the first, most trusted, row of each type and name; deleted ones are left out.

    Of two that claim one root the second has none. SQLite takes no notice of case in names: a table
    of Hermes' has the name that Hermes gives it, any other keeps its own.
    """
    rows: dict[tuple[str, str], SchemaRow] = {}
    roots: set[int] = set()
    met: set[tuple[str, str]] = set()
    for one in found:
        row = replace(one, name=_spelled(one.name), table=_spelled(one.table))
        key = (row.type, folded(row.name))
        if row.trust is Trust.FREED or key in met or row.root in roots:
            continue
        met.add(key)
        rows[row.type, row.name] = row
        if row.root:
            roots.add(row.root)
    return rows


def _spelled(name: str) -> str:
    low = folded(name)
    return low if low in tables_of_hermes() else name


def tables_left(schema: Schema, *, hermes: bool = True) -> dict[str, Table]:
    """Return the ordinary tables whose CREATE TABLE is there, by name.

    Of state.db (``hermes``) one of ``messages`` or ``sessions`` without what every schema has of it
    says nothing: its pages then say more.
    """
    found = {}
    for (kind, name), row in schema.items():
        if kind == "table":
            table = declared_table(OF_SQLITE.get(name) or row.sql or "")
            if table is None:
                continue
            table = replace(table, name=name)  # one of the two names may be damaged
            if not hermes or is_of_a_store(table):
                found[name] = table
    return found


def search_tables_left(schema: Schema) -> dict[str, VirtualTable]:
    """Return the search tables whose CREATE VIRTUAL TABLE is there, by name."""
    found = {}
    for (kind, name), row in schema.items():
        table = virtual_table_of(name, row.sql or "") if kind == "table" else None
        if table is not None:
            found[name] = table
    return found


def number_by_structure(schema: Schema, tables: Mapping[str, Table]) -> int | None:
    """Return the newest schema number that left its tables and columns; None for no store."""
    structure = Structure(tables=tables, virtual_tables=search_tables_left(schema))
    return newest_number(structure) or None if holds_conversations(structure) else None


def indexes_left(
    schema: Schema, tables: Mapping[str, Table], whole: Mapping[int, bool]
) -> tuple[AssignedIndex, ...]:
    """Return the indexes over plain columns of tables that are known.

    ``whole`` tells by root whether a tree has all its pages.
    """
    found = []
    for (kind, name), row in schema.items():
        table = tables.get(row.table)
        if kind != "index" or not row.root or table is None or table.without_rowid:
            continue
        columns, partial = _indexed(row, table, schema)
        if columns and all(table.column(column) is not None for column in columns):
            is_whole = whole.get(row.root, False) and row.trust is Trust.TREE
            found.append(AssignedIndex(name, row.table, columns, partial, is_whole, row.root))
    return tuple(found)


def _indexed(row: SchemaRow, table: Table, schema: Schema) -> tuple[tuple[str, ...], bool]:
    """Return the columns of an index, () where one is an expression, and whether it is partial."""
    if row.sql is None:
        declared = schema.get(("table", table.name))
        made = asked(declared.sql or "").indexes if declared is not None else {}
        return made.get(row.name.lower(), ()), False
    words = list(tokens(row.sql))
    if "on" not in words or "(" not in words[words.index("on") :]:
        return (), False
    begin = words.index("(", words.index("on"))
    depth, end = 0, len(words)
    for at in range(begin, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0:
            end = at
            break
    parts = split_arguments(words[begin + 1 : end])
    plain = all(len(part) == 1 or part[1:] in (["desc"], ["asc"]) for part in parts)
    columns = tuple(part[0].strip('"') for part in parts) if plain else ()
    return columns, "where" in words[end:]
