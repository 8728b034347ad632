"""What each search table is made of: which rows, and which text of them.

Up to schema 9, and again from 23 on, FTS5 reads the text where it is (``content=`` names a table or
a view). Schema 11 to 22, and what was upgraded from there, keep a copy of it in one column.
"""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.schema.search import TABLES
from hermes_repair.schema.structure import Structure, VirtualTable
from hermes_repair.store.connections import quote

COPIED = " || ' ' || ".join(
    f"COALESCE({part}, '')" for part in ("content", "tool_name", "tool_calls")
)
"""The text of a message where the index keeps its own copy (schema 11 to 22)."""


@dataclass(frozen=True, slots=True)
class SearchSource:
    """One search table: it has one entry for each row of ``source``, found by the row's ``id``.

    ``columns`` are those of the search table, ``values`` the expressions over ``source`` that they
    are filled from. ``copied`` is whether the table keeps the text itself. ``optional`` is a
    condition over ``source`` for rows that may be left out, empty where there are none.
    """

    table: str
    columns: tuple[str, ...]
    source: str
    values: tuple[str, ...]
    copied: bool
    optional: str = ""

    @property
    def rows(self) -> str:
        """The source in a FROM clause, as ``s``; no index decides which messages there are."""
        return f"{quote(self.source)} AS s" + (" NOT INDEXED" if self.source == "messages" else "")


def search_sources(structure: Structure) -> tuple[SearchSource, ...]:
    """Return the search tables of a release that are there, each with its source.

    Only a layout of a release may be asked for (:attr:`.search.Search.layout`): of any other
    one nobody knows what it leaves out.
    """
    there = (structure.virtual_tables.get(name) for name in TABLES)
    return tuple(source_of(table) for table in there if table is not None)


def source_of(table: VirtualTable) -> SearchSource:
    """Return a search table of a release with its source."""
    named = (argument.partition(" = ") for argument in table.arguments)
    options = {name: value.strip("'") for name, _, value in named if value}
    columns = tuple(argument for argument in table.arguments if " = " not in argument)
    source = options.get("content")
    if source is None:
        return SearchSource(table.name, columns, "messages", (COPIED,), copied=True)
    # The step to schema 10 filled this one from the messages with text; its triggers do not ask.
    left_out = "content IS NULL" if table.name == TABLES[1] and source == "messages" else ""
    return SearchSource(table.name, columns, source, columns, copied=False, optional=left_out)
