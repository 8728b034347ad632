"""How much disk a route takes while it runs, the backup aside.

What one transaction writes lies in the -wal until it is checkpointed, and in the main file after
that, so it counts twice there. Figures of the search tables are bytes per byte of text that they
index, measured with 100,000 messages of ordinary prose (SQLite 3.40.1) and rounded up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hermes_repair.model.actions import Ddl
from hermes_repair.model.values import Value
from hermes_repair.schema.ddl import kind_of, read_index
from hermes_repair.schema.route import Route

FILLED = {"messages_fts": 2.0, "messages_fts_trigram": 5.0}
EMPTIED = {"messages_fts": 0.4, "messages_fts_trigram": 2.8}
"""What dropping the same table gives back at least: its index, without a copy of the text."""
INDEX_ROW_BYTES = 64

SIZES = (
    "COUNT(*), SUM(COALESCE(LENGTH(CAST(content AS BLOB)), 0)"
    " + COALESCE(LENGTH(CAST(tool_calls AS BLOB)), 0))"
)
"""What is asked of ``messages`` for :class:`Sizes`; the parts of a table add up."""

Scan: TypeAlias = Callable[[str, str], Iterable[Sequence[Value]]]
"""Runs ``SELECT what FROM table``, whole or in ranges: one row for each."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The messages of a database: their number, and the bytes of their text."""

    messages: int
    text: int


def read_sizes(scan: Scan) -> Sizes:
    """Ask a database for its sizes, in one pass over the messages."""
    rows = [[int(str(value or 0)) for value in row] for row in scan(SIZES, "messages")]
    return Sizes(sum(row[0] for row in rows), sum(row[1] for row in rows))


def room_for(way: Route, sizes: Sizes) -> int:
    """Return the bytes that the disk must have free for a route."""
    written = 0.0
    freed = 0.0
    for action in way.actions:
        if not isinstance(action, Ddl):
            continue
        words = action.sql.split(None, 3)
        if words[:2] == ["DROP", "TABLE"]:
            freed += sizes.text * EMPTIED.get(words[2].strip('"'), 0.0)
        elif words[0] == "CREATE":
            kind, name = kind_of(action.sql)
            if kind == "virtual table":
                written += sizes.text * FILLED[name]
            elif kind == "index" and read_index(action.sql).table == "messages":
                written += sizes.messages * INDEX_ROW_BYTES
    return int(max(written, 2 * written - freed))
