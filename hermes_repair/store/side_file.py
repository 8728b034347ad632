"""A SQLite file of ours for rows that have no place in a database that was made of them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from hermes_repair.model.values import Value
from hermes_repair.store.connections import bind, placeholder
from hermes_repair.store.new_database import FileFormat, NewDatabase, new_database

_TABLES = (
    "CREATE TABLE kept_rows (id INTEGER PRIMARY KEY, source TEXT, reason TEXT NOT NULL,"
    " page INTEGER, source_rowid INTEGER)",
    "CREATE TABLE kept_values (row_id INTEGER NOT NULL REFERENCES kept_rows(id),"
    " place INTEGER NOT NULL, column_name TEXT, value, PRIMARY KEY (row_id, place)) WITHOUT ROWID",
)


class SideFile:
    """Rows with where they come from and why they are here. The file is made with the first one.

    ``kept_rows`` has a row for each, ``kept_values`` its values in stored order, in the storage
    class that they had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._stack = ExitStack()
        self._database: NewDatabase | None = None

    def __enter__(self) -> SideFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def keep(
        self,
        source: str | None,
        reason: str,
        values: Iterable[tuple[str | None, Value]],
        *,
        page: int | None = None,
        rowid: int | None = None,
    ) -> None:
        """Keep one row: the table that it is of as far as known, and its columns with values."""
        if self._database is None:
            self._database = self._stack.enter_context(new_database(self.path, FileFormat()))
            for statement in _TABLES:
                self._database.run(statement)
        self.rows += 1
        put = self._database.connection.execute
        put(
            "INSERT INTO kept_rows VALUES (?, ?, ?, ?, ?)",
            bind([self.rows, source, reason, page, rowid]),
        )
        for place, (column, value) in enumerate(values):
            try:
                put(
                    f"INSERT INTO kept_values VALUES (?, ?, ?, {placeholder(value)})",
                    bind([self.rows, place, column, value]),
                )
            except OverflowError:  # no number of SQLite's: its digits are kept
                put(
                    "INSERT INTO kept_values VALUES (?, ?, ?, ?)",
                    bind([self.rows, place, column, str(value)]),
                )
