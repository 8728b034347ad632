"""Comparing two databases row by row inside SQLite: what undo of a migration has to prove (R5)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.store.connections import file_uri, open_immutable, quote, unreadable
from hermes_repair.store.writer import Writer

# FTS5's own storage may be laid out differently for the same content; ids and text may not.
_LAYOUT_OF_SEARCH = ("_data", "_idx", "_config")
# AUTOINCREMENT marks are never lowered (R5), so they may be ahead.
_IGNORED = ("sqlite_sequence", "sqlite_stat1")


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How many rows of one table are not the same in both; ``columns`` tells another structure."""

    table: str
    rows: int
    columns: bool = False


def differing_tables(expected: Path, found: Path) -> tuple[TableDifference, ...]:
    """Return the tables whose rows differ, both files at rest and without side files."""
    connection = open_immutable(found)
    try:
        connection.execute(f"ATTACH '{file_uri(expected)}?mode=ro&immutable=1' AS expected")
        here, there = _tables(connection, "main"), _tables(connection, "expected")
        differences = []
        for table in sorted(here | there):
            if table not in here or table not in there:
                differences.append(TableDifference(table, 0, columns=True))
                continue
            columns = _columns(connection, "main", table)
            if set(columns) != set(_columns(connection, "expected", table)):
                differences.append(TableDifference(table, 0, columns=True))
                continue
            rows = _count(connection, table, columns)
            if rows:
                differences.append(TableDifference(table, rows))
        return tuple(differences)
    except sqlite3.DatabaseError as error:
        raise unreadable(found, error) from error
    finally:
        connection.close()


def same_structure(writer: Writer, backup: Path) -> bool:
    """Whether a database has the objects of its backup, and the same schema number."""
    connection = open_immutable(backup)
    try:
        return _structure(connection) == _structure(writer.connection)
    except sqlite3.DatabaseError as error:
        raise unreadable(backup, error) from error
    finally:
        connection.close()


def _structure(connection: sqlite3.Connection) -> tuple[list[object], list[object]]:
    objects = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    ).fetchall()
    numbered = any(row[1] == "schema_version" for row in objects)
    stamp = connection.execute("SELECT version FROM schema_version") if numbered else ()
    return objects, list(stamp)


def _tables(connection: sqlite3.Connection, schema: str) -> set[str]:
    rows = connection.execute(
        f"SELECT name, sql FROM {schema}.sqlite_master WHERE type = 'table'"
    ).fetchall()
    virtual = {str(n) for n, sql in rows if str(sql).upper().startswith("CREATE VIRTUAL")}
    layout = {owner + suffix for owner in virtual for suffix in _LAYOUT_OF_SEARCH}
    return {str(n) for n, _ in rows} - virtual - layout - set(_IGNORED)


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [
        str(row[0])
        # The schema is an argument: as a prefix it is ignored, and main answers for both.
        for row in connection.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))
    ]


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
