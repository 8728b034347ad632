"""How a copy stands to this home, by the newest rows of the copy alone: what a look can afford.

Message ids are given once, in order. So where the newest row of a copy is here too, under the same
id, everything in the copy was here; where this home never gave that id, or gave it to another
message, the two have gone apart, and only a comparison of all rows says what is in the copy alone.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from enum import Enum

from hermes_repair.model.values import Value, whole
from hermes_repair.store.look import Look

_BATCHES = (20, 500, 5000, 20000)
"""Rows that are read, newest first, until one is met that both have. A chat that was deleted here
since the copy was made is at most so many rows."""
_ROW = "id, session_id, role, timestamp, length(content), substr(content, 1, 200)"

RowParts = tuple[Value, ...]


class Standing(Enum):
    """What a copy is to this home."""

    EARLIER = "earlier"  # a state that this very database was in, as far as ids tell
    APART = "apart"  # both went on, or nothing tells
    EMPTY = "empty"  # no message in it


def standing(
    home: Look, copy: Look, given: int | None, ours: Container[int] = frozenset()
) -> Standing:
    """Return how a copy stands to a home; ``given`` is the highest message id that the home gave.

    ``ours`` are ids that runs of ours gave: a row that a merge brought may have the id that it has
    in its source by chance, so it proves nothing of the rows before it.

    At most some ten thousand rows are read, as a rule twenty.
    """
    below: Value = None
    for size in _BATCHES:
        rows = list(_newest(copy, below, size))
        if not rows:
            return Standing.EMPTY if below is None else Standing.EARLIER
        if below is None and (given is None or whole(rows[0][0]) > given):
            return Standing.APART
        here = _rows(home, [row[0] for row in rows])
        for row in rows:
            if (same := here.get(row[0])) is not None and row[0] not in ours:
                return Standing.EARLIER if same == row else Standing.APART
        below = rows[-1][0]
    return Standing.APART


def _newest(look: Look, below: Value, limit: int) -> Iterator[RowParts]:
    where, bounds = ("WHERE id < ?", [below]) if below is not None else ("", [])
    return look.rows(
        f"SELECT {_ROW} FROM messages {where} ORDER BY id DESC LIMIT ?", [*bounds, limit]
    )


def _rows(look: Look, ids: list[Value]) -> Mapping[Value, RowParts]:
    asked = f"SELECT {_ROW} FROM messages WHERE id IN (SELECT value FROM json_each(?))"
    return {row[0]: row for row in look.rows(asked, [json.dumps(ids)])}


_ROOTS = (
    "SELECT id FROM sessions WHERE source NOT IN ('subagent', 'cron', 'tool')"
    " AND parent_session_id IS NULL AND message_count > 0"
)
_SPOKEN = (
    "SELECT DISTINCT session_id FROM messages"
    " WHERE session_id IN (SELECT value FROM json_each(?)) AND role = 'user'"
)


def missing_chats(look: Look, here: Container[str]) -> list[str]:
    """Return the sessions of a copy that a person would miss here, without those of ``here``.

    Runs of a delegate, a timer or a tool are none, and no more are chats in which nobody spoke.
    """
    roots = (id for (id,) in look.rows(_ROOTS) if isinstance(id, str))
    absent = [id for id in roots if id not in here]
    spoken = look.rows(_SPOKEN, [json.dumps(absent)]) if absent else iter(())
    return sorted(id for (id,) in spoken if isinstance(id, str))


def rows_of(look: Look, sessions: list[str]) -> Mapping[str, int]:
    """Return how many messages a database has of these sessions, those with none left out."""
    asked = (
        "SELECT session_id, COUNT(*) FROM messages"
        " WHERE session_id IN (SELECT value FROM json_each(?)) GROUP BY session_id"
    )
    rows = look.rows(asked, [json.dumps(sessions)])
    return {session: whole(number) for session, number in rows if isinstance(session, str)}
