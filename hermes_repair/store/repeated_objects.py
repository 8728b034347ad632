"""A schema that lists an object twice: SQLite refuses the whole file, and no row of it is lost."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import whole
from hermes_repair.store.look import Look


@dataclass(frozen=True, slots=True)
class RepeatedObject:
    """An object that ``sqlite_master`` has ``rows`` of; ``alike``: they say the same, to the tree.

    ``kind`` is SQLite's word: table, index, trigger or view.
    """

    kind: str
    name: str
    rows: int
    alike: bool


@dataclass(frozen=True, slots=True)
class RepeatedSchema:
    """The objects that are listed more than once; ``messages`` can be read, None where none can."""

    objects: tuple[RepeatedObject, ...]
    messages: int | None


def repeated_schema(look: Look) -> RepeatedSchema | None:
    """Return what a schema has twice that SQLite calls malformed; None where nothing is.

    ``writable_schema`` lets SQLite pass over an entry that it cannot use; nothing is written.
    """
    try:
        look.connection.execute("PRAGMA writable_schema = ON")
        listed = look.rows(
            "SELECT type, name, COUNT(*), COUNT(DISTINCT rootpage) < 2 AND COUNT(DISTINCT sql) < 2"
            " FROM sqlite_master GROUP BY type, name HAVING COUNT(*) > 1 ORDER BY type, name"
        )
        objects = tuple(
            RepeatedObject(str(kind), str(name), whole(rows), bool(alike))
            for kind, name, rows, alike in listed
        )
        return RepeatedSchema(objects, _messages(look)) if objects else None
    except (sqlite3.Error, DatabaseUnreadable):
        return None  # damaged otherwise, which the error at hand says
    finally:
        look.connection.execute("PRAGMA writable_schema = RESET")


def _messages(look: Look) -> int | None:
    """Return how many messages can be read, each to its last value."""
    try:
        row = look.one(
            "SELECT COUNT(*), MAX(length(CAST(content AS BLOB))) FROM messages NOT INDEXED"
        )
    except DatabaseUnreadable:
        return None
    return whole(row[0]) if row is not None else None
