"""What ``migrate --dry-run`` shows of a route: its SQL, and how many rows each part touches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hermes_repair.model.actions import Action, Ddl, RowUpdate
from hermes_repair.schema.route import Route
from hermes_repair.schema.route_parts import Part
from hermes_repair.store.connections import quote

MANY_ALIKE = 3


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
