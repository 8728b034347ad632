"""Rows whose foreign key leads to no row, as SQLite lists them, in any database."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator

from hermes_repair.model.values import Value
from hermes_repair.store.connections import quote

_UNCHECKED = "foreign key mismatch"
"""What SQLite says of a key to columns that are not unique. It makes such a table, and refuses each
write that would have to look there; no row is broken by that."""


def broken_references(
    connection: sqlite3.Connection, tables: Collection[str] | None = None
) -> Iterator[tuple[Value, ...]]:
    """Yield table, rowid (None where it has none), parent and number of the key for each row.

    ``tables`` are the only ones that are asked, as far as they are there; None for all. A table
    with a key that SQLite cannot check is left out: no release makes one, so it is somebody else's.
    Raises ``sqlite3.DatabaseError`` where the file is damaged.
    """
    asked = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name"
    for (name,) in connection.execute(asked).fetchall():
        if tables is not None and name not in tables:
            continue
        check = f"PRAGMA foreign_key_check({quote(str(name))})"
        try:
            yield from connection.execute(check).fetchall()
        except sqlite3.OperationalError as error:
            if _UNCHECKED not in str(error):
                raise
