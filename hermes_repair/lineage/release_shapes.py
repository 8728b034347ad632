"""Row shapes that every release from 0.13.0 to 0.19.0 understands alike, as column values.

Measured with 0.13.0 to 0.19.0: a rescued session without a parent and
with ``_branched_from`` is listed and resumed as itself everywhere, survives schema step 16, and
archiving or deleting it leaves its sibling alone.
"""

from __future__ import annotations

from hermes_repair.lineage.markers import BRANCHED_FROM, set_marker
from hermes_repair.model.values import Row, Value


def branch_shape(row: Row, branched_from: str, *, routed: bool) -> dict[str, Value]:
    """Return the values of a branch of its own.

    Unless ``routed`` (a chat of the gateway leads to it now), ``session_key`` and ``chat_type`` go:
    with either of them left, the next /new in 0.18.2 and 0.19.0 is captured by this session.
    ``user_id``, ``chat_id`` and ``thread_id`` stay, because /resume asks them whose it is.

    Raises:
        ConfigUnusable: ``model_config`` cannot carry the marker.
    """
    values: dict[str, Value] = {
        "parent_session_id": None,
        "model_config": set_marker(row.get("model_config"), BRANCHED_FROM, branched_from),
    }
    return values if routed else values | unrouted_shape()


def archive_shape(row: Row, pointer: str, *, routed: bool) -> dict[str, Value]:
    """Return the values of a branch that no list shows (from schema 14 on; before, it is listed).

    Raises:
        ConfigUnusable: ``model_config`` cannot carry the pointer.
    """
    return branch_shape(row, pointer, routed=routed) | {"archived": 1}


def unrouted_shape() -> dict[str, Value]:
    """Return the values with which no gateway recovers into a session by itself."""
    return {"session_key": None, "chat_type": None}
