"""Opening SQLite files, each way once, with nothing that SQLite would do on its own accord.

Opening is not a safe way to look (R1): ``mode=ro`` leaves ``-wal`` and ``-shm`` behind, a
plain open replays a stale WAL. Which way is right is decided in :mod:`.file_state`, not here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote as percent_encode

from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import RawText, Value, decode_text, stored

BUSY_MILLISECONDS = 1000  # what Hermes itself waits (0.13.0 to 0.19.0)
LONGEST_ASKED = 1 << 20  # bytes of a value that a CREATE script makes SQLite work out
_LIMIT_LENGTH = 0  # SQLITE_LIMIT_LENGTH, which not every build of the module names
_LARGEST = (1 << 31) - 1
READING_MILLISECONDS = 5000  # a reader that waits for its turn (DELETE mode) is in nobody's way

P = ParamSpec("P")
T = TypeVar("T")


def _connect(path: Path, query: str, *, any_thread: bool = False) -> sqlite3.Connection:
    return _connect_uri(f"{file_uri(path)}?{query}", path, any_thread=any_thread)


def _connect_uri(uri: str, path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            cached_statements=256,
            factory=_Connection,
            check_same_thread=not any_thread,
        )
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    connection.text_factory = decode_text
    return connection


def _legibly(ask: Callable[P, T]) -> Callable[P, T]:
    """Let a call raise what SQLite says, also where that quotes bytes which are no UTF-8.

    SQLite puts names of the file into its messages as they are. :mod:`sqlite3` fails to decode such
    a message (or the name of a column) and raises that instead of the error.
    """

    @wraps(ask)
    def asked(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return ask(*arguments, **named)
        except UnicodeDecodeError as error:
            raise legible(error) from error

    return asked


def legible(error: UnicodeDecodeError) -> sqlite3.DatabaseError:
    """Return the error that SQLite told in bytes which are no UTF-8."""
    return sqlite3.DatabaseError(error.object.decode("utf-8", "backslashreplace"))


class _Cursor(sqlite3.Cursor):
    """A cursor whose errors can be read; rows come at the speed of the class below."""

    execute = _legibly(sqlite3.Cursor.execute)
    executescript = _legibly(sqlite3.Cursor.executescript)
    fetchone = _legibly(sqlite3.Cursor.fetchone)
    fetchall = _legibly(sqlite3.Cursor.fetchall)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        try:
            yield from iter(super().__next__, None)  # ends by StopIteration: no row is None
        except UnicodeDecodeError as error:
            raise legible(error) from error


class _Connection(sqlite3.Connection):
    """A connection that makes such cursors, where :mod:`sqlite3` would make its own."""

    backup = _legibly(sqlite3.Connection.backup)

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return _Cursor(self).execute(*arguments)

    def executescript(self, script: str, /) -> sqlite3.Cursor:
        return _Cursor(self).executescript(script)


def file_uri(path: Path) -> str:
    """Return the URI of a file for SQLite: the bytes that the system knows it by, in any locale."""
    return f"file:{percent_encode(os.fsencode(path))}"


def _untrusting(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Let no view or trigger of a file run functions with side effects while we only look.

    Not for writing: SQLite counts FTS5 as unsafe then, and Hermes' own triggers would be refused.
    """
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


def unreadable(path: Path, error: sqlite3.Error) -> DatabaseUnreadable:
    """Return the error for a file that SQLite refuses, with SQLite's own words as the cause."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    return DatabaseUnreadable(
        f"SQLite cannot read {path}: {error}.",
        advice("Nothing was changed. `{}` says what can be done.", command("doctor")),
        damage=str(error) if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else None,
    )


def open_immutable(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Open a file that nobody has open and that will not change: no lock, no side file, no WAL.

    ``any_thread``: for a connection that another thread than this one asks, and it alone.
    """
    return _untrusting(_connect(path, "mode=ro&immutable=1", any_thread=any_thread))


def open_joined(path: Path) -> sqlite3.Connection:
    """Join a database that somebody has open, as a reader; side files exist already."""
    connection = _untrusting(_connect(path, "mode=ro"))
    connection.execute(f"PRAGMA busy_timeout={READING_MILLISECONDS}")
    connection.execute("PRAGMA query_only=ON")
    return connection


def open_private(path: Path) -> sqlite3.Connection:
    """Open our own copy or our own new file for reading and writing."""
    return _connect(path, "mode=rwc")


def open_side_by_side(databases: Mapping[str, tuple[Path, bool]]) -> sqlite3.Connection:
    """Open databases under these names for reading, beside temporary tables of our own.

    The flag says whether nobody can change the file (:func:`open_immutable`).
    """
    connection = _untrusting(_connect_uri("file::memory:", Path(":memory:")))
    try:
        for name, (path, unchanging) in databases.items():
            uri = f"{file_uri(path)}?mode=ro{'&immutable=1' if unchanging else ''}"
            try:
                connection.execute(f"ATTACH ? AS {quote(name)}", [uri])
                connection.execute(f"SELECT 1 FROM {quote(name)}.sqlite_master LIMIT 1").fetchall()
            except sqlite3.DatabaseError as error:
                raise unreadable(path, error) from error
        connection.execute(f"PRAGMA busy_timeout={READING_MILLISECONDS}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_in_memory() -> sqlite3.Connection:
    """Open an empty database in memory, outside any transaction."""
    return sqlite3.connect(":memory:", isolation_level=None)


def limit_values(connection: sqlite3.Connection, size: int) -> None:
    """Let no value take more than ``size`` bytes, nor one that SQLite only works out.

    An expression in the schema of a damaged file (CHECK, DEFAULT, a generated column, an index) may
    ask for a gigabyte of zeros in each row, which a limit for the process would not forgive.
    """
    connection.setlimit(_LIMIT_LENGTH, min(size, _LARGEST))


@contextmanager
def made_in_memory(script: str) -> Iterator[Callable[[str, Sequence[Value]], Iterable[Any]]]:
    """Run a CREATE script of ours in an empty database in memory, and yield its query function.

    Raises ``ValueError`` where SQLite refuses the script, or where it does more than make things.
    """
    connection = open_in_memory()
    connection.text_factory = decode_text
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # a script may be a damaged file's
    limit_values(connection, LONGEST_ASKED + 2 * len(script))
    with closing(connection):
        try:
            connection.executescript(f"BEGIN; {script}; COMMIT;")
        except sqlite3.Error as error:
            raise ValueError(f"a schema file that SQLite refuses ({error})") from error
        if connection.total_changes:
            raise ValueError("a schema file that writes rows")
        yield connection.execute


def plain_cursor(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[object]
) -> sqlite3.Cursor:
    """Run a query and return a cursor that gives its rows without a call of ours for each.

    It raises ``UnicodeDecodeError`` where SQLite has an error to tell: see :func:`legible`.
    """
    return sqlite3.Cursor(connection).execute(sql, parameters)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do in one transaction what is done inside, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def pass_over(connection: sqlite3.Connection) -> None:
    """Let SQLite pass over an entry of the schema that it cannot use, where it would refuse all.

    The entries can be written then as well.
    """
    connection.execute("PRAGMA writable_schema = ON")


def open_for_writing(path: Path, *, live: bool, malformed: bool = False) -> sqlite3.Connection:
    """Open Hermes' database for writing, with nothing that changes more rows than we say.

    ``malformed``: also one whose schema SQLite refuses (:func:`pass_over`). ``live``: beside a
    running Hermes, so that checkpoints stay Hermes' own business. Foreign keys are off, so that no
    CASCADE or SET NULL runs, and because with them undo of an orphan repair fails; the executor
    compares violations. No other file can be attached, whatever SQL a plan has.
    """
    connection = _connect(path, "mode=rw")
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        if malformed:
            pass_over(connection)
        # Some pragmas read the schema first, and wait for their turn like every reader.
        connection.execute(f"PRAGMA busy_timeout={READING_MILLISECONDS}")
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA recursive_triggers=OFF")
        connection.execute("PRAGMA synchronous=FULL")
        if live:
            connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def bind(values: Iterable[Value]) -> list[object]:
    """Return parameters for ``execute``; pair each with :func:`placeholder` of the same value.

    A text that stands for invalid UTF-8 (:func:`~hermes_repair.model.values.text`) and meets a
    plain ``?`` is bound as bytes, which no text equals.
    """
    return [
        value
        if type(value) in _AS_IT_IS or (type(value) is str and value.isascii())
        # What is left is rare, and the call costs more than all the rest.
        else _bound(value)
        for value in values
    ]


_AS_IT_IS = frozenset({int, float, bytes, type(None)})


def _bound(value: Value) -> object:
    kept = stored(value) if isinstance(value, str) else value
    return kept.data if isinstance(kept, RawText) else kept


def placeholder(value: Value) -> str:
    """Return the placeholder that puts ``value`` back as it was, invalid UTF-8 included."""
    return "CAST(? AS TEXT)" if isinstance(value, RawText) else "?"


@lru_cache(maxsize=1000)  # the names of a few tables and columns, for every row
def quote(identifier: str) -> str:
    """Return an SQL identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'
