"""Give every session that shares a title one of its own, so that the unique index can be made.

The newest row keeps the title (0.19.0 does the same and clears the others; 0.13.0 to 0.18.2 crash).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.values import RawText, Value, encode_value, number
from hermes_repair.schema.session_titles import given_title
from hermes_repair.schema.structure import Query, Structure

OLDER = "older"
TITLE_INDEX = "idx_sessions_title_unique"

SHARED_TITLES = """
SELECT rowid, id, title, started_at FROM sessions
WHERE title IN (
    SELECT title FROM sessions WHERE title IS NOT NULL GROUP BY title HAVING COUNT(*) > 1)
ORDER BY rowid DESC
"""
ALL_TITLES = "SELECT title FROM sessions WHERE title IS NOT NULL"


def read_title_updates(query: Query, structure: Structure) -> tuple[RowUpdate, ...]:
    """Return the updates that leave no two sessions with one title; none where there are none."""
    if not structure.has_column("sessions", "title") or TITLE_INDEX in structure.indexes:
        return ()
    shared = [tuple(row) for row in query(SHARED_TITLES, ())]
    if not shared:
        return ()
    taken = {row[0] for row in query(ALL_TITLES, ()) if isinstance(row[0], str)}
    return title_updates(shared, taken)


def title_updates(rows: Iterable[Sequence[Value]], taken: set[str]) -> tuple[RowUpdate, ...]:
    """Return the updates for ``rows`` (rowid, id, title, started_at), newest row first.

    ``taken`` are all titles of the database; those that are given here are added to it.
    """
    seen: set[tuple[str, bytes]] = set()
    updates = []
    for rowid, session_id, title, started_at in rows:
        value = encode_value(title)
        if value not in seen:
            seen.add(value)
            continue
        name = given_title(_readable(title), OLDER, number(started_at), taken)
        taken.add(name)
        key: dict[str, Value] = {"rowid": rowid} if session_id is None else {"id": session_id}
        updates.append(RowUpdate("sessions", key, {"title": title}, {"title": name}))
    return tuple(updates)


def _readable(title: Value) -> str | None:
    match title:
        case None | str():
            return title
        case RawText(data) | bytes(data):
            return data.decode("utf-8", "replace")
        case _:
            return str(title)
