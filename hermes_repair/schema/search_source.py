"""What each search table is made of: its statements, which rows it has, and which text of them.

Up to schema 9, and again from 23 on, FTS5 reads the text where it is (``content=`` names a table or
a view). Schema 11 to 22, and what was upgraded from there, keep a copy of it in one column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hermes_repair.schema import catalogue_root
from hermes_repair.schema.search import TABLES
from hermes_repair.schema.sql_text import kind_of, statements
from hermes_repair.schema.structure import virtual_table_of

COPIED = " || ' ' || ".join(
    f"COALESCE({part}, '')" for part in ("content", "tool_name", "tool_calls")
)
"""The text of a message where the index keeps its own copy (schema 11 to 22)."""

MESSAGES = "messages AS s NOT INDEXED"
"""No index decides which messages there are: one that lost its rows would."""

_SELECT = re.compile(r"^CREATE VIEW \w+ AS\s+(SELECT\b.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SearchSource:
    """One search table of a layout, and the rows that it has one entry of each of.

    ``columns`` are those of the search table, ``values`` the expressions that they are filled with,
    over ``rows``: a FROM clause with the messages, or the view over them, as ``s``. ``copied`` is
    whether the table keeps the text itself. ``optional`` is a condition for rows that may be left
    out, empty where there are none. ``tokenizer`` is the option of FTS5 that names one, empty for
    its own. ``view`` is the name of the view, ``create`` and ``triggers`` are the statements that
    make the table and keep it up to date.
    """

    table: str
    columns: tuple[str, ...]
    rows: str
    values: tuple[str, ...]
    copied: bool
    optional: str
    tokenizer: tuple[str, ...]
    view: str | None
    create: str
    triggers: tuple[str, ...]


@cache
def layout_statements(layout: str) -> Mapping[str, str]:
    """Return the CREATE statements of a layout by object (``trigger messages_fts_insert``)."""
    script = catalogue_root() / "db" / "structure" / f"{layout}.sql"
    named = ((kind_of(sql), sql) for sql in statements(script.read_text(encoding="utf-8")))
    return {f"{kind} {name}": sql for (kind, name), sql in named if name.startswith("messages_fts")}


@cache
def search_sources(layout: str) -> Mapping[str, SearchSource]:
    """Return the search tables of a layout by name.

    All is taken from our own text of it: SQLite does not read a view of somebody else's database
    that calls a function (the one of schema 30 does), and a view may be anything.
    """
    statements = layout_statements(layout)
    there = (name for name in TABLES if f"virtual table {name}" in statements)
    return {name: _source(name, statements) for name in there}


def _source(table: str, statements: Mapping[str, str]) -> SearchSource:
    create = statements[f"virtual table {table}"]
    declared = virtual_table_of(table, create)
    if declared is None:
        raise ValueError(f"not a virtual table: {create[:60]}")
    named = (argument.partition(" = ") for argument in declared.arguments)
    options = {name: value.strip("'") for name, _, value in named if value}
    columns = tuple(argument for argument in declared.arguments if " = " not in argument)
    content = options.get("content")
    view = content if f"view {content}" in statements else None
    select = _SELECT.match(statements[f"view {view}"]) if view is not None else None
    # The step to schema 10 filled this one from the messages with text; its triggers do not ask.
    late = table == TABLES[1] and content == "messages"
    return SearchSource(
        table,
        columns,
        rows=f"({select[1]}) AS s" if select is not None else MESSAGES,
        values=columns if content is not None else (COPIED,),
        copied=content is None,
        optional="content IS NULL" if late else "",
        tokenizer=tuple(one for one in declared.arguments if one.startswith("tokenize =")),
        view=view,
        create=create,
        triggers=tuple(
            statements[f"trigger {table}_{what}"] for what in ("delete", "insert", "update")
        ),
    )
