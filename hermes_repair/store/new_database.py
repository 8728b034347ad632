"""A database of ours that is made from nothing: its tables filled row by row, then put on disk.

Until it is finished it is worth nothing, so it is written without the care that a database in use
needs: one transaction, and fsync once at the end.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model.errors import Refused
from hermes_repair.model.values import Value
from hermes_repair.store.connections import bind, limit_values, open_private, placeholder, quote

MOST_BYTES = 1_000_000_000  # SQLITE_MAX_LENGTH as it is by default
CACHE_KIB = 16 << 10  # rows come in order, and indexes are sorted: more gains nothing
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_NOT_TAKEN = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError)
"""A constraint, a value too large for SQLite, a number of more than 64 bits."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What SQLite fixes when a file is made. ``encoding`` is SQLite's name of it.

    ``longest``: no value takes more bytes, neither one that is written nor one that an expression
    of the schema makes on the way. A row with a larger one is refused.
    """

    page_size: int = 4096
    encoding: str = "UTF-8"
    auto_vacuum: bool = False
    longest: int = MOST_BYTES


class NewDatabase:
    """A database that is being made. Values are :data:`~hermes_repair.model.values.Value`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def run(self, statement: str) -> None:
        """Run one statement; raises ``sqlite3.Error`` where SQLite does not take it."""
        self.connection.execute(statement)

    def query(self, sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        """Run one SELECT or PRAGMA and return all its rows."""
        return self.connection.execute(sql, bind(parameters)).fetchall()

    def fill(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Value]],
        refused: Callable[[Sequence[Value], str], None],
    ) -> int:
        """Add rows, a value for each of ``columns``; return how many the table took.

        ``refused`` hears of each other one, with SQLite's reason. Raises :class:`Refused` where the
        disk is full.
        """
        named = ", ".join(map(quote, columns))
        begin = f"INSERT OR ABORT INTO {quote(table)} ({named}) VALUES "
        plain = f"{begin}({', '.join('?' * len(columns))})"
        last: Sequence[Value] = ()
        given = left = 0

        def one_by_one() -> Iterator[Sequence[Value]]:
            nonlocal last, given
            for row in rows:
                last = row
                given += 1
                yield row

        source = one_by_one()
        while True:
            before = given
            try:
                # The rows before a refused one stay; the generator goes on behind it.
                self.connection.executemany(plain, source)
            except _NOT_TAKEN as error:
                refused(last, str(error))
                left += 1
            except sqlite3.OperationalError as error:
                # A constraint of the table itself fails, as one that calls load_extension.
                if _is_full(error) or given == before:
                    raise
                refused(last, str(error))
                left += 1
            except (sqlite3.ProgrammingError, sqlite3.InterfaceError, UnicodeEncodeError):
                if not self._put(begin, last, refused):
                    left += 1
            else:
                return given - left

    def _put(
        self,
        begin: str,
        row: Sequence[Value],
        refused: Callable[[Sequence[Value], str], None],
    ) -> bool:
        """Add a row with a text that is not valid UTF-8, as what its bytes are."""
        marks = ", ".join(map(placeholder, row))
        try:
            self.connection.execute(f"{begin}({marks})", bind(row))
        except _NOT_TAKEN as error:
            refused(row, str(error))
            return False
        return True


def _is_full(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_ROOM


@contextmanager
def new_database(path: Path, file_format: FileFormat) -> Iterator[NewDatabase]:
    """Make ``path``, which must not be there (mode 0600), in one transaction.

    It is closed on the way out, in journal mode DELETE, and not yet fsynced. Raises
    :class:`Refused` where the disk has no room; what there is of the file stays then.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(open_private(path)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            limit_values(connection, file_format.longest)
            for pragma in (
                f"page_size={file_format.page_size}",
                f"encoding='{file_format.encoding}'",
                f"auto_vacuum={int(file_format.auto_vacuum)}",
                # For a refused row alone. In memory it would hold what a merge of the search index
                # overwrites: 100 MB and more.
                "journal_mode=DELETE",
                "synchronous=OFF",
                "locking_mode=EXCLUSIVE",
                f"cache_size=-{CACHE_KIB}",
            ):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN IMMEDIATE")
            yield NewDatabase(connection)
            connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if not _is_full(error):
            raise
        raise Refused(
            f"{path.parent} has no room for the new database ({error}).",
            "Nothing was left half done. Free some space, then run the same command again.",
        ) from error
