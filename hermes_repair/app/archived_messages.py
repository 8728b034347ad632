"""Whether messages that were filled from the search index were compacted, or undone.

No index says ``compacted``; both kinds have ``active`` 0. Releases that have the column (0.18.0 to
0.19.0) find compacted ones by search, and what its owner took back by nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from hermes_repair.model.values import Value, whole
from hermes_repair.store.new_database import NewDatabase


def archive(
    database: NewDatabase, filled: Container[int], is_certain: Callable[[Value], bool]
) -> int:
    """Set ``compacted`` of the messages with ids ``filled`` of which it is proven; return how many.

    Every undo is counted (``rewind_count``), and a compaction takes all that a chat showed. So a
    message that is hidden was compacted if its session was never undone, none of its messages is
    hidden in another way, and one with a greater id was compacted. ``is_certain`` tells of which
    sessions the row can be believed.
    """
    hidden = database.query(
        "SELECT id, session_id FROM messages WHERE active = 0 AND compacted = 0 ORDER BY id"
    )
    if not any(id in filled for id, _ in hidden):
        return 0
    hidden_otherwise = {session for id, session in hidden if id not in filled}
    never_undone = {
        session
        for (session,) in database.query("SELECT id FROM sessions WHERE rewind_count = 0")
        if is_certain(session) and session not in hidden_otherwise
    }
    last: dict[Value, int] = {
        session: whole(id)
        for session, id in database.query(
            "SELECT session_id, MAX(id) FROM messages WHERE compacted = 1 GROUP BY session_id"
        )
    }
    proven = [
        id
        for id, session in hidden
        if id in filled and session in never_undone and whole(id) < last.get(session, 0)
    ]
    for id in proven:
        database.query("UPDATE messages SET compacted = 1 WHERE id = ?", [id])
    return len(proven)
