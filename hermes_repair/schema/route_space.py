"""How much disk a route takes while it runs, the backup aside.

What one transaction writes lies in the -wal until it is checkpointed, and in the main file after
that, so it counts twice there. Figures of the search tables are bytes per byte of text that they
index, measured with 100,000 messages of ordinary prose (SQLite 3.40.1) and rounded up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from hermes_repair.model.actions import Ddl
from hermes_repair.model.values import Value, whole
from hermes_repair.schema.route import Route
from hermes_repair.schema.sql_text import kind_of, normal

FILLED = {"messages_fts": 2.0, "messages_fts_trigram": 5.0}
EMPTIED = {"messages_fts": 0.4, "messages_fts_trigram": 2.8}
"""What dropping the same table gives back at least: its index, without a copy of the text."""
INDEX_ROW_BYTES = 64

TEXT = (
    "SUM(COALESCE(LENGTH(CAST(content AS BLOB)), 0)"
    " + COALESCE(LENGTH(CAST(tool_calls AS BLOB)), 0))"
)

Scan: TypeAlias = Callable[[str, str], Iterable[Sequence[Value]]]
"""Runs ``SELECT what FROM table``, whole or in ranges: one row for each."""


def room_for(way: Route, scan: Scan) -> int:
    """Return the bytes that the disk must have free for a route.

    The messages are only asked for their number, or their text, where that decides.
    """
    filled: list[str] = []
    emptied: list[str] = []
    indexes = 0
    for action in way.actions:
        if not isinstance(action, Ddl):
            continue
        words = action.sql.split(None, 3)
        if words[:2] == ["DROP", "TABLE"]:
            emptied.append(words[2].strip('"'))
        elif words[0] == "CREATE":
            kind, name = kind_of(action.sql)
            if kind == "virtual table":
                filled.append(name)
            indexes += kind == "index" and " on messages (" in normal(action.sql)
    written = 0.0
    freed = 0.0
    if indexes:
        written += indexes * INDEX_ROW_BYTES * _total("COUNT(*)", scan)
    if filled:
        text = _total(TEXT, scan)
        written += text * sum(FILLED[name] for name in filled)
        freed = text * sum(EMPTIED.get(name, 0.0) for name in emptied)
    return int(max(written, 2 * written - freed))


def _total(what: str, scan: Scan) -> int:
    return sum(whole(row[0]) for row in scan(what, "messages"))
