"""What is told of a route before it runs: its SQL, the rows that it touches, the disk it takes.

What one transaction writes lies in the -wal until it is checkpointed, and in the main file after
that, so it counts twice there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hermes_repair.model.actions import Action, Ddl, RowUpdate
from hermes_repair.model.values import Value, whole
from hermes_repair.schema.route import Route
from hermes_repair.schema.route_parts import Part
from hermes_repair.schema.search import EMPTIED, FILLED
from hermes_repair.schema.sql_text import kind_of, normal
from hermes_repair.store.connections import quote

MANY_ALIKE = 3

INDEX_ROW_BYTES = 64

TEXT = (
    "SUM(COALESCE(LENGTH(CAST(content AS BLOB)), 0)"
    " + COALESCE(LENGTH(CAST(tool_calls AS BLOB)), 0))"
)

Scan: TypeAlias = Callable[[str, str], Iterable[Sequence[Value]]]
"""Runs ``SELECT what FROM table``, whole or in ranges: one row for each."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One part for a reader.

    ``statements`` are SQL texts with the number of times they run; values that come from rows are
    parameters and never shown. ``rows`` is the number of rows where it is known without asking,
    ``count`` the query that tells it otherwise; a part that touches no row has neither.
    """

    step: str
    what: str
    finding: str | None
    statements: tuple[tuple[str, int], ...]
    rows: int | None
    count: str


def preview(way: Route) -> tuple[Shown, ...]:
    """Return every part of a route as it is to be shown, in order."""
    return tuple(_shown(part) for part in way.parts)


def _shown(part: Part) -> Shown:
    statements: dict[str, int] = {}
    for sql in map(_sql, part.actions):
        statements[sql] = statements.get(sql, 0) + 1
    updates = sum(isinstance(action, RowUpdate) for action in part.actions)
    return Shown(
        step=part.step,
        what=part.what,
        finding=part.finding,
        statements=tuple(_folded(statements)),
        rows=updates or None,
        count=part.count,
    )


def _sql(action: Action) -> str:
    if isinstance(action, Ddl):
        return action.sql
    if isinstance(action, RowUpdate):
        given = ", ".join(f"{name} = ?" for name in action.after)
        where = " AND ".join(f"{name} = ?" for name in action.key)
        return f"UPDATE {quote(action.table)} SET {given} WHERE {where}"
    raise TypeError(f"a route has no {type(action).__name__}")


def _folded(statements: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the statements, a search table's many ranges of ids as one."""
    ranges = [sql for sql in statements if " BETWEEN " in sql and sql.startswith("INSERT INTO")]
    for sql, times in statements.items():
        if len(ranges) <= MANY_ALIKE or sql not in ranges:
            yield sql, times
        elif sql == ranges[0]:
            yield sql.rsplit(" BETWEEN ", 1)[0] + " BETWEEN ? AND ?", len(ranges)


def room_for(way: Route, scan: Scan) -> int:
    """Return the bytes that the disk must have free for a route, the backup aside.

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
        text = text_to_index(scan)
        written += text * sum(FILLED[name] for name in filled)
        freed = text * sum(EMPTIED.get(name, 0.0) for name in emptied)
    return int(max(written, 2 * written - freed))


def room_to_fill(table: str, text: int) -> int:
    """Return the bytes that the disk must have free to make a search table anew.

    ``text`` is :func:`text_to_index`.
    """
    return int(2 * FILLED[table] * text)


def text_to_index(scan: Scan) -> int:
    """Return the bytes of text of all messages that a search table indexes."""
    return _total(TEXT, scan)


def _total(what: str, scan: Scan) -> int:
    return sum(whole(row[0]) for row in scan(what, "messages"))
