"""What a CREATE script of ours makes: SQLite runs it in memory, and it is read like any database.

All but the search tables, that is: an SQLite without FTS5, or without a tokenizer of Hermes', is to
look at a home all the same. They are taken from their text, as in a database of Hermes'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from hermes_repair.schema.structure import (
    SHADOW_SUFFIXES,
    Structure,
    Table,
    VirtualTable,
    read_structure,
    virtual_table_of,
)
from hermes_repair.store.connections import made_in_memory

_VIRTUAL = re.compile(r"^CREATE VIRTUAL TABLE (\w+)[^;]*;?", re.MULTILINE)


def read_script(script: str, seen: dict[str, Table] | None = None) -> Structure:
    """Return the structure that a script of CREATE statements makes in an empty database.

    ``seen`` as for :func:`.structure.read_structure`: one number has most tables of the last one.
    Raises ``ValueError`` for anything else, so that a mistake in a data file cannot pass unseen.
    """
    search = {match[1]: _search_table(match[1], match[0]) for match in _VIRTUAL.finditer(script)}
    with made_in_memory(_VIRTUAL.sub("", script)) as query:
        structure = read_structure(query, seen)
    return replace(
        structure,
        virtual_tables=search,
        shadow_tables=frozenset(name for one in search.values() for name in _shadow_names(one)),
    )


@cache
def made_table(create: str) -> Table:
    """Return the table of one CREATE TABLE."""
    (table,) = read_script(create).tables.values()
    return table


def _search_table(name: str, sql: str) -> VirtualTable:
    table = virtual_table_of(name, sql)
    if table is None or table.module != "fts5":
        raise ValueError(f"only FTS5 tables are known: {sql[:60]}")
    return table


def _shadow_names(table: VirtualTable) -> Iterator[str]:
    """Yield the tables that FTS5 makes for ``table``; no ``_content`` where the text is outside."""
    external = any(argument.startswith("content =") for argument in table.arguments)
    for suffix in SHADOW_SUFFIXES:
        if not (external and suffix == "content"):
            yield f"{table.name}_{suffix}"
