"""What tests ask about the tables of a database that they opened."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database


def tables_of(connection: sqlite3.Connection) -> Database:
    """Return the tables behind a connection, which stays as it is: no pragma is set."""
    return Database(connection, recursive_triggers=False, execute_plugins=False)


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of a table in the order in which they stand there."""
    return list(tables_of(connection).table(table).columns_dict)
