"""Whole copies of a database: taken at one moment, compared, and put back into the same file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model.errors import DatabaseUnreadable, InUse, Refused
from hermes_repair.store.connections import (
    file_uri,
    open_for_writing,
    open_immutable,
    open_joined,
    open_private,
    pass_over,
    quote,
    unreadable,
)
from hermes_repair.store.file_state import main_alone
from hermes_repair.store.integrity import require_sound, soundness
from hermes_repair.store.look import is_busy
from hermes_repair.store.writer import Writer

CopyVerified = Callable[[Path, Path], bool]
"""Copies a file, fsyncs copy and folder, and says whether both are the same to the byte."""

# FTS5's own storage may be laid out differently for the same content; ids and text may not.
_LAYOUT_OF_SEARCH = ("_data", "_idx", "_config")
# How long each text is to FTS5: another SQLite counts another number where a text has a NUL.
_SIZES_OF_SEARCH = "_docsize"
# AUTOINCREMENT marks are never lowered (R5), so they may be ahead.
_IGNORED = ("sqlite_sequence", "sqlite_stat1")


def settle_wal(writer: Writer) -> None:
    """Bring everything into the main file, before a backup is taken of that alone.

    Raises :class:`InUse` where another connection keeps the WAL from being taken in.
    """
    rows = writer.query("PRAGMA wal_checkpoint(TRUNCATE)")
    if rows and rows[0][0] != 0:
        raise InUse(
            "Another process is reading the database, so it cannot be backed up now.",
            "Stop Hermes (`hermes gateway stop`), then run the same command again.",
        )


def back_up(writer: Writer, target: Path, copy: CopyVerified, *, check: bool = False) -> None:
    """Copy the database while ``writer`` holds ``BEGIN IMMEDIATE``, and open the copy.

    The transaction keeps every other writer out and has written no page yet, so the main file is
    the whole database. Raises :class:`Refused` where the copy is not the same or does not open;
    with ``check`` also where it is not sound, and so the database is not.
    """
    if not writer.connection.in_transaction:
        raise ValueError("a backup is taken inside the transaction of the first unit")
    if not copy(writer.path, target):
        raise Refused(
            f"The backup {target} does not match the database.",
            "Nothing was changed. Check the disk, then run the same command again.",
        )
    questions = ("SELECT COUNT(*) FROM sqlite_master", "PRAGMA page_count")
    with _reading(target) as connection:
        answers = [connection.execute(question).fetchall() for question in questions]
    if answers != [writer.query(question) for question in questions]:
        raise Refused(
            f"The backup {target} does not open as the same database.",
            "Nothing was changed. Check the disk, then run the same command again.",
        )
    if check:
        with main_alone(target) as look:
            require_sound(soundness(look))


def raise_sequences(copy: Path, marks: dict[str, int]) -> None:
    """Set AUTOINCREMENT marks (by table) in a private copy, so that no id is given out twice."""
    connection = open_private(copy)
    try:
        pass_over(connection)
        connection.execute("BEGIN")
        for table, mark in marks.items():
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, mark))
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def sequences(path: Path) -> dict[str, int]:
    """Return the AUTOINCREMENT mark of each table of a database at rest, without side files.

    Every schema of Hermes has the table: ``messages`` counts by it since schema 1. What is no
    number there is no mark: SQLite counts on from the largest id then.
    """
    with _reading(path) as connection:
        return dict(
            connection.execute(
                "SELECT name, seq FROM sqlite_sequence"
                " WHERE typeof(name) = 'text' AND typeof(seq) = 'integer'"
            )
        )


def put_back(backup: Path, path: Path, still: Callable[[], None]) -> None:
    """Write a backup into the existing file through SQLite, in one transaction (R4).

    Same inode, owner and mode; readers and a kill see the old content or the new, never a mixture.
    ``still`` is called under the exclusive lock, before anything is written: it raises where what
    is there is not what the caller decided on. Raises :class:`InUse` where another process holds
    the database.
    """
    try:
        with (
            closing(open_immutable(backup)) as source,
            closing(open_for_writing(path, live=False, malformed=True)) as target,
        ):
            # The lock stays from here to the end of the connection; a backup cannot begin inside a
            # transaction of its target.
            target.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            target.execute("BEGIN EXCLUSIVE")
            target.execute("COMMIT")
            still()
            source.backup(target, pages=-1)
    except sqlite3.Error as error:
        if is_busy(error):
            raise InUse(
                "Another process holds the database, so the backup was not restored.",
                "Stop Hermes (`hermes gateway stop`), then run the same command again.",
            ) from error
        raise unreadable(path, error) from error


def opens(path: Path) -> bool:
    """Whether SQLite can read the first pages of a file at rest."""
    try:
        with _reading(path) as connection:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
    except DatabaseUnreadable:
        return False
    return True


def copy_live(path: Path, target: Path) -> None:
    """Copy a database that somebody has open, as it is at one moment, through SQLite.

    In WAL mode the copy holds no writer up. The result is a single file without side files.
    """
    source = open_joined(path)
    copy = open_private(target)
    try:
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    finally:
        copy.close()
        source.close()


def sound(path: Path) -> tuple[str, ...]:
    """Return what speaks against a copy at rest as a database of Hermes; empty when nothing does.

    To SQLite an empty file is a sound database too, so the tables are asked for as well. What is
    wrong with a search index alone does not speak against a copy.
    """
    try:
        with main_alone(path) as look:
            if not (look.has("sessions") and look.has("messages")):
                return ("it has no sessions and messages",)
            judged = soundness(look)
    except DatabaseUnreadable as error:
        return (error.message,)
    return (*judged.damage, *(one.words() for one in judged.disagreeing))


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How many rows of one table are not the same in both; ``columns`` tells another structure."""

    table: str
    rows: int
    columns: bool = False


def differing_tables(expected: Path, found: Path) -> tuple[TableDifference, ...]:
    """Return the tables whose rows differ, both files at rest and without side files."""
    with _reading(found) as connection:
        connection.execute(f"ATTACH '{file_uri(expected)}?mode=ro&immutable=1' AS expected")
        here, there = table_names(connection, "main"), table_names(connection, "expected")
        differences = []
        for table in sorted(here | there):
            columns = _columns(connection, "main", table)
            if set(columns) != set(_columns(connection, "expected", table)):
                differences.append(TableDifference(table, 0, columns=True))
            elif rows := _count(connection, table, columns):
                differences.append(TableDifference(table, rows))
        return tuple(differences)


def same_structure(writer: Writer, backup: Path) -> bool:
    """Whether a database has the objects of its backup, and the same schema number."""
    with _reading(backup) as connection:
        return _structure(connection) == _structure(writer.connection)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file at rest, also one whose schema has something twice: a copy is what it is of.

    What SQLite refuses of it is raised as :class:`DatabaseUnreadable`.
    """
    with closing(open_immutable(path)) as connection:
        pass_over(connection)
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            raise unreadable(path, error) from error


def _structure(connection: sqlite3.Connection) -> tuple[list[object], list[object]]:
    objects = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    ).fetchall()
    numbered = any(row[1] == "schema_version" for row in objects)
    stamp = connection.execute("SELECT version FROM schema_version") if numbered else ()
    return objects, list(stamp)


def table_names(connection: sqlite3.Connection, schema: str) -> set[str]:
    """Return the tables whose rows say what a database says, of one attached as ``schema``.

    That is all but what FTS5 lays out as it likes, AUTOINCREMENT marks and statistics.
    """
    rows = connection.execute(
        f"SELECT name, sql FROM {schema}.sqlite_master WHERE type = 'table'"
    ).fetchall()
    virtual = {str(n) for n, sql in rows if str(sql).upper().startswith("CREATE VIRTUAL")}
    layout = {owner + suffix for owner in virtual for suffix in _LAYOUT_OF_SEARCH}
    return {str(n) for n, _ in rows} - virtual - layout - set(_IGNORED)


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    """Return the columns that are compared; of the entries of a search index that is their id."""
    named = [
        str(row[0])
        # The schema is an argument: as a prefix it is ignored, and main answers for both.
        for row in connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))
    ]
    if named == ["id", "sz"] and table.endswith(_SIZES_OF_SEARCH):
        return ["id"]
    return named


def _count(connection: sqlite3.Connection, table: str, columns: list[str]) -> int:
    """Count rows that are missing on one side or differ; by rowid, which a copy keeps."""
    key = "rowid" if _has_rowid(connection, table) else None
    if key is None:
        listed = ", ".join(quote(column) for column in columns)
        ours, theirs = (f"SELECT {listed} FROM {s}.{quote(table)}" for s in ("main", "expected"))
        return int(
            connection.execute(
                f"SELECT (SELECT COUNT(*) FROM ({ours} EXCEPT {theirs}))"
                f" + (SELECT COUNT(*) FROM ({theirs} EXCEPT {ours}))"
            ).fetchone()[0]
        )
    unequal = " OR ".join(f"a.{quote(c)} IS NOT b.{quote(c)}" for c in columns)
    ours, theirs = f"main.{quote(table)} a", f"expected.{quote(table)} b"
    return int(
        connection.execute(
            f"SELECT (SELECT COUNT(*) FROM {ours} LEFT JOIN {theirs}"
            f" ON a.rowid = b.rowid WHERE b.rowid IS NULL OR {unequal})"
            f" + (SELECT COUNT(*) FROM {theirs} LEFT JOIN {ours}"
            f" ON a.rowid = b.rowid WHERE a.rowid IS NULL)"
        ).fetchone()[0]
    )


def _has_rowid(connection: sqlite3.Connection, table: str) -> bool:
    row = connection.execute(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", (table,)
    ).fetchone()
    if row is None:
        raise DatabaseUnreadable(f"There is no table {table}.")
    return not row[0]
