"""A schema that lists an object twice: SQLite refuses the whole file, and no row of it is lost."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import whole
from hermes_repair.store.connections import pass_over
from hermes_repair.store.look import Look


@dataclass(frozen=True, slots=True)
class RepeatedObject:
    """An object that ``sqlite_master`` has ``rows`` of.

    ``alike``: they say the same. ``one_place``: they name the same pages too, so that nothing but
    the repetition goes with the later ones. ``kind`` is SQLite's word: table, index, trigger or
    view. ``later`` are the rowids of all but the first, which is the one that SQLite reads and
    Hermes keeps.
    """

    kind: str
    name: str
    rows: int
    alike: bool
    one_place: bool
    later: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RepeatedSchema:
    """The objects that are listed more than once; ``messages`` can be read, None where none can.

    ``cookie`` is SQLite's count of the changes of the schema, ``number`` that of Hermes' schema,
    None where it cannot be read.
    """

    objects: tuple[RepeatedObject, ...]
    messages: int | None
    cookie: int
    number: int | None


def repeated_schema(look: Look) -> RepeatedSchema | None:
    """Return what a schema has twice that SQLite calls malformed; None where nothing is.

    Nothing is written.
    """
    try:
        pass_over(look.connection)
        listed = look.rows(
            "SELECT type, name, COUNT(*), COUNT(DISTINCT name) < 2 AND COUNT(DISTINCT tbl_name) < 2"
            " AND COUNT(DISTINCT ifnull(sql, 0)) < 2, COUNT(DISTINCT rootpage) < 2, MIN(rowid)"
            " FROM sqlite_master GROUP BY type, name COLLATE NOCASE HAVING COUNT(*) > 1"
            " ORDER BY type, name"
        )
        objects = tuple(
            RepeatedObject(
                str(kind),
                str(name),
                whole(rows),
                bool(alike),
                bool(one_place),
                _later(look, str(kind), str(name), whole(first)),
            )
            for kind, name, rows, alike, one_place, first in list(listed)
        )
        if not objects:
            return None
        cookie = look.one("PRAGMA schema_version")
        return RepeatedSchema(
            objects, _messages(look), whole(cookie[0]) if cookie else 0, _number(look)
        )
    except (sqlite3.Error, DatabaseUnreadable):
        return None  # damaged otherwise, which the error at hand says
    finally:
        look.connection.execute("PRAGMA writable_schema = RESET")


def _later(look: Look, kind: str, name: str, first: int) -> tuple[int, ...]:
    rows = look.rows(
        "SELECT rowid FROM sqlite_master WHERE type = ? AND name = ? COLLATE NOCASE AND rowid > ?"
        " ORDER BY rowid",
        [kind, name, first],
    )
    return tuple(whole(rowid) for (rowid,) in rows)


def _messages(look: Look) -> int | None:
    """Return how many messages can be read, each to its last value."""
    try:
        row = look.one(
            "SELECT COUNT(*), MAX(length(CAST(content AS BLOB))) FROM messages NOT INDEXED"
        )
    except DatabaseUnreadable:
        return None
    return whole(row[0]) if row is not None else None


def _number(look: Look) -> int | None:
    try:
        row = look.one("SELECT MAX(CAST(version AS INTEGER)) FROM schema_version")
    except DatabaseUnreadable:
        return None
    return row[0] if row is not None and isinstance(row[0], int) else None
