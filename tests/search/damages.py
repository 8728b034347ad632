"""What happens to a search table, and which finding names it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial

Damage = Callable[[sqlite3.Connection, str], None]


def _runs(connection: sqlite3.Connection, table: str, *, sql: str) -> None:
    connection.execute(sql.format(table=table))


def _has_another(connection: sqlite3.Connection, table: str, *, part: str) -> None:
    connection.execute(f"DROP TABLE {table}_{part}")
    connection.execute(f"CREATE TABLE {table}_{part}(id INTEGER PRIMARY KEY, mine)")


def _loses_entries(connection: sqlite3.Connection, table: str) -> None:
    """Every second entry goes; of an index that keeps no text only its list of entries tells."""
    if _keeps_text(connection, table):
        connection.execute(f"DELETE FROM {table} WHERE rowid % 2 = 0")
    else:
        connection.execute(f"DELETE FROM {table}_docsize WHERE id % 2 = 0")


def _is_emptied(connection: sqlite3.Connection, table: str) -> None:
    if _keeps_text(connection, table):
        connection.execute(f"DELETE FROM {table}")
    else:
        connection.execute(f"INSERT INTO {table}({table}) VALUES ('delete-all')")


def _keeps_text(connection: sqlite3.Connection, table: str) -> bool:
    wanted = "SELECT 1 FROM sqlite_master WHERE name = ?"
    return connection.execute(wanted, [f"{table}_content"]).fetchone() is not None


def _without_triggers(connection: sqlite3.Connection, _table: str, *, sql: str) -> None:
    """Change messages while nothing keeps the index up to date; the triggers are back after it."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'messages'"
    triggers = connection.execute(query).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(sql)
    for _, create in triggers:
        connection.execute(create)


DAMAGES: Mapping[str, tuple[Damage, str]] = {
    "its structure record is lost": (
        partial(_runs, sql="DELETE FROM {table}_data WHERE id = 10"),
        "FT003",
    ),
    "its structure record is torn": (
        partial(_runs, sql="UPDATE {table}_data SET block = x'000000000f' WHERE id = 10"),
        "FT003",
    ),
    "its configuration is lost": (partial(_runs, sql="DELETE FROM {table}_config"), "FT003"),
    "its totals are lost": (
        partial(_runs, sql="DELETE FROM {table}_data WHERE id = 1"),
        "FT003",
    ),
    "its leaves cannot be reached": (partial(_runs, sql="DELETE FROM {table}_idx"), "FT003"),
    "a leaf is lost": (
        partial(
            _runs,
            sql="DELETE FROM {table}_data WHERE id = (SELECT MAX(id) FROM {table}_data)",
        ),
        "FT003",
    ),
    **{
        f"its table of {part} was dropped": (
            partial(_runs, sql=f"DROP TABLE {{table}}_{part}"),
            "FT003",
        )
        for part in ("config", "data", "docsize", "idx")
    },
    **{
        f"its table of {part} was put there by hand": (
            partial(_has_another, part=part),
            "FT003",
        )
        for part in ("config", "data", "docsize", "idx")
    },
    "it was dropped": (partial(_runs, sql="DROP TABLE {table}"), "FT003"),
    "its record says that it has no word": (
        partial(_runs, sql="UPDATE {table}_data SET block = x'00000001000000' WHERE id = 10"),
        "FT003",
    ),
    "its leaves are blank": (
        partial(_runs, sql="UPDATE {table}_data SET block = zeroblob(length(block)) WHERE id > 10"),
        "FT003",
    ),
    "it lost entries": (_loses_entries, "FT001"),
    "it was emptied": (_is_emptied, "FT001"),
    "its trigger for new messages was dropped": (
        partial(_runs, sql="DROP TRIGGER {table}_insert"),
        "FT004",
    ),
    "a message was deleted behind its back": (
        partial(
            _without_triggers,
            sql="DELETE FROM messages WHERE id ="
            " (SELECT MAX(id) FROM messages WHERE role = 'user')",
        ),
        "FT002",
    ),
}
"""By name: what is done to a search table, and the finding that names it."""

CHANGED = partial(
    _without_triggers,
    sql="UPDATE messages SET content = 'other words than before' WHERE id ="
    " (SELECT MIN(id) FROM messages WHERE content IS NOT NULL)",
)
"""A message gets another text behind the back of the index: only ``--deep`` compares texts."""
