"""What triggers of Hermes' own write into rows that somebody else writes to.

Of all schemas known to us only 30 has such triggers: ``messages_display_*`` keep two columns of
``messages`` that tell which rows are the same message and where it stands. A change of one message
sets them to NULL or to another value there and in other rows of its session; Hermes computes
``display_identity`` again when it finds NULL. The search triggers write to the search tables alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from hermes_repair.model.values import Row, Value

TABLE = "messages"
COLUMNS = ("display_identity", "display_order")
ORDER = "display_order"
_PREFIX = "messages_display_"


def derived_columns(columns: Iterable[str], triggers: Iterable[str]) -> frozenset[str]:
    """Return which of the ``columns`` of ``messages`` the ``triggers`` (by name) write."""
    if not any(trigger.startswith(_PREFIX) for trigger in triggers):
        return frozenset()
    return frozenset(COLUMNS) & frozenset(columns)


def without(row: Row) -> dict[str, Value]:
    """Return a row of ``messages`` less those columns, for a copy of which Hermes makes its own."""
    return {column: value for column, value in row.items() if column not in COLUMNS}
