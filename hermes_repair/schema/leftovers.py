"""Tables that an interrupted migration of Hermes left behind (SC004).

Hermes rebuilds a table by renaming it, making a new one and copying, without a transaction. Killed
in between, the rows stay in the renamed table for ever, and so do the indexes (schema 21 to 22,
Hermes #73541, #73823).
"""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.schema.structure import Structure


@dataclass(frozen=True, slots=True)
class Leftover:
    """``table`` holds rows of ``owner``; ``indexes`` are those of ``owner`` that hang on it."""

    table: str
    owner: str
    indexes: tuple[str, ...]


OWNERS = {
    "session_model_usage_v21": "session_model_usage",
    "session_model_usage_legacy_pk": "session_model_usage",
    "gateway_routing_legacy_pk": "gateway_routing",
    "telegram_dm_topic_bindings_new": "telegram_dm_topic_bindings",
}
TRASH_PREFIX = "fts_v22_trash_"


def find_leftovers(structure: Structure) -> tuple[Leftover, ...]:
    """Return the leftover tables of ``structure``, those of ``optimize-storage`` (23+) included."""
    found = [
        Leftover(
            table,
            OWNERS.get(table, "messages_fts"),
            tuple(
                sorted(
                    index.name
                    for index in structure.indexes.values()
                    if index.table == table and index.sql is not None
                )
            ),
        )
        for table in sorted(structure.tables)
        if table in OWNERS or table.startswith(TRASH_PREFIX)
    ]
    return tuple(found)
