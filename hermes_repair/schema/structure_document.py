"""Structures as one JSON document, so that no process has to run the scripts that make them.

``schema/db/structures.json`` is made of the scripts by ``python -m tests.structures``; a test holds
it against them. What several structures have alike stands there once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hermes_repair.schema.structure import (
    Column,
    ForeignKey,
    Index,
    Structure,
    Table,
    Trigger,
    VirtualTable,
)

Part = TypeVar("Part")


@dataclass(slots=True)
class _Parts:
    """Parts of structures in the order in which they are met, each once."""

    places: dict[Any, int] = field(default_factory=dict)

    def named(self, parts: Iterable[Any]) -> list[int]:
        """Return where these parts stand, after those that were not there were added."""
        return [self.places.setdefault(part, len(self.places)) for part in parts]


def to_document(structures: Mapping[str, Structure]) -> dict[str, Any]:
    """Return structures of an empty database, by name, as JSON has them."""
    tables, indexes, triggers, searches = _Parts(), _Parts(), _Parts(), _Parts()
    made = {
        name: {
            "tables": tables.named(one.tables.values()),
            "indexes": indexes.named(one.indexes.values()),
            "triggers": triggers.named(one.triggers.values()),
            "views": dict(one.views),
            "virtual_tables": searches.named(one.virtual_tables.values()),
            "shadow_tables": sorted(one.shadow_tables),
        }
        for name, one in structures.items()
    }
    return {
        "tables": [_table_row(table) for table in tables.places],
        "indexes": [[i.name, i.table, i.unique, i.sql] for i in indexes.places],
        "triggers": [[t.name, t.table, t.sql] for t in triggers.places],
        "virtual_tables": [[v.name, v.module, list(v.arguments)] for v in searches.places],
        "structures": made,
    }


def from_document(document: Mapping[str, Any]) -> dict[str, Structure]:
    """Return what :func:`to_document` was given; raises ``LookupError`` or ``TypeError`` else."""
    tables = [_table(*row) for row in document["tables"]]
    indexes = [Index(*row) for row in document["indexes"]]
    triggers = [Trigger(*row) for row in document["triggers"]]
    searches = [
        VirtualTable(name, module, tuple(arguments))
        for name, module, arguments in document["virtual_tables"]
    ]
    return {
        name: Structure(
            tables=_by_name(tables, one["tables"], lambda table: table.name),
            indexes=_by_name(indexes, one["indexes"], lambda index: index.name),
            triggers=_by_name(triggers, one["triggers"], lambda trigger: trigger.name),
            views=one["views"],
            virtual_tables=_by_name(searches, one["virtual_tables"], lambda table: table.name),
            shadow_tables=frozenset(one["shadow_tables"]),
        )
        for name, one in document["structures"].items()
    }


def _by_name(
    parts: list[Part], places: Iterable[int], name_of: Callable[[Part], str]
) -> dict[str, Part]:
    return {name_of(part): part for part in (parts[place] for place in places)}


def _table_row(table: Table) -> list[Any]:
    keys = sorted(
        [list(key.columns), key.table, list(key.references), key.on_update, key.on_delete]
        for key in table.foreign_keys
    )
    columns = [[c.name, c.type, c.not_null, c.default, c.pk, c.hidden] for c in table.columns]
    return [table.name, columns, keys, table.autoincrement, table.without_rowid]


def _table(
    name: str, columns: list[Any], keys: list[Any], autoincrement: bool, without_rowid: bool
) -> Table:
    return Table(
        name=name,
        columns=tuple(Column(*column) for column in columns),
        foreign_keys=frozenset(
            ForeignKey(tuple(own), table, tuple(theirs), *actions)
            for own, table, theirs, *actions in keys
        ),
        autoincrement=autoincrement,
        without_rowid=without_rowid,
    )
