"""Compare two structures by what they are, not by how they were written.

Column order, the text of CREATE statements, quoting, comments and white space mean nothing; a
database that was upgraded differs from a fresh one in exactly these (schema 1 to 22).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hermes_repair.schema.structure import ForeignKey, Structure, Table


@dataclass(frozen=True, slots=True)
class Change:
    """One object that both have, each its own way."""

    name: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Differences:
    """What tells two structures apart; names like ``column sessions.cwd`` or ``index idx_...``."""

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed)

    def lines(self) -> list[str]:
        """Return the differences for a reader, one line each."""
        return [
            *(f"missing: {name}" for name in self.missing),
            *(f"extra: {name}" for name in self.extra),
            *(f"differs: {c.name}: expected {c.expected}; found {c.found}" for c in self.changed),
        ]


def normalised(structure: Structure) -> dict[str, str]:
    """Return every object of a structure by name with what it is, in comparable words.

    The rows of ``schema_version`` and the keys of ``state_meta`` are data and left out.
    """
    objects: dict[str, str] = {}
    for table in structure.tables.values():
        objects |= _table(table)
    for index in structure.indexes.values():
        if index.sql is None:
            objects[f"key index {index.name}"] = f"on {index.table}"
        else:
            objects[f"index {index.name}"] = f"{'unique ' if index.unique else ''}on {index.sql}"
    objects |= {f"trigger {trigger.name}": trigger.sql for trigger in structure.triggers.values()}
    objects |= {f"view {name}": sql for name, sql in structure.views.items()}
    for virtual in structure.virtual_tables.values():
        arguments = ", ".join(virtual.arguments)
        objects[f"virtual table {virtual.name}"] = f"{virtual.module}({arguments})"
    objects |= {f"shadow table {name}": "" for name in structure.shadow_tables}
    return objects


def diff(expected: Structure, found: Structure) -> Differences:
    """Return what ``found`` lacks, has beyond, or has otherwise than ``expected``."""
    return compare(normalised(expected), normalised(found))


def compare(expected: Mapping[str, str], found: Mapping[str, str]) -> Differences:
    """Return the differences of two results of :func:`normalised`."""
    return Differences(
        missing=tuple(sorted(expected.keys() - found.keys())),
        extra=tuple(sorted(found.keys() - expected.keys())),
        changed=tuple(
            Change(name, expected[name], found[name])
            for name in sorted(expected.keys() & found.keys())
            if expected[name] != found[name]
        ),
    )


def _table(table: Table) -> dict[str, str]:
    flags = [
        word
        for word, is_set in (
            ("autoincrement", table.autoincrement),
            ("without rowid", table.without_rowid),
        )
        if is_set
    ]
    objects = {f"table {table.name}": " ".join(flags)}
    for column in table.columns:
        words = [column.type.upper()]
        if column.not_null:
            words.append("NOT NULL")
        if column.default is not None:
            words.append(f"DEFAULT {column.default}")
        if column.pk:
            words.append(f"key {column.pk}")
        if column.hidden:
            words.append(f"hidden {column.hidden}")
        objects[f"column {table.name}.{column.name}"] = " ".join(words)
    for key in sorted(table.foreign_keys, key=_key_order):
        name = f"reference {table.name}({', '.join(key.columns)})"
        target = f"{key.table}({', '.join(column or 'key' for column in key.references)})"
        text = f"{target} on update {key.on_update.lower()} on delete {key.on_delete.lower()}"
        objects[name] = f"{objects[name]}; {text}" if name in objects else text
    return objects


def _key_order(key: ForeignKey) -> tuple[str, ...]:
    return (*key.columns, key.table, key.on_delete)
