"""What SQLite makes of a CREATE TABLE that stands in a file: asked in an empty database in memory.

Nothing of the file is opened for it, and nothing runs that could take long: no query, no trigger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from hermes_repair.model.values import Value
from hermes_repair.store.connections import made_in_memory


@dataclass(frozen=True, slots=True)
class AskedTable:
    """``defaults``: the text after DEFAULT as it is written, by column; ``indexes``: the columns of
    those that SQLite makes by itself (``sqlite_autoindex_TABLE_1``), by name. All names are in
    lower case."""

    defaults: Mapping[str, str] = field(default_factory=dict)
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@lru_cache(maxsize=256)
def asked_table(create: str) -> AskedTable:
    """Ask about a CREATE TABLE with a list of columns; nothing is known where SQLite refuses it."""
    try:
        with made_in_memory(create) as query:
            [(name,)] = query("SELECT name FROM sqlite_master WHERE type = 'table'", ())
            columns = query("SELECT name, dflt_value FROM pragma_table_xinfo(?)", (name,))
            defaults = {
                str(column).lower(): str(text) for column, text in columns if text is not None
            }
            made = query("SELECT name FROM pragma_index_list(?) WHERE origin <> 'c'", (name,))
            indexes = {
                str(index).lower(): tuple(
                    str(column).lower()
                    for (column,) in query(
                        "SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)
                    )
                )
                for (index,) in list(made)
            }
    except (ValueError, sqlite3.Error):
        return AskedTable()
    return AskedTable(defaults, indexes)


@lru_cache(maxsize=1024)
def added_value(kind: str, default: str, *, strict: bool = False) -> Value:
    """Return what SQLite reads for a column in a row that was written before there was the column.

    ``kind`` is its declared type, ``default`` the text after DEFAULT, with or without parentheses;
    ``strict``: the table is. SQLite adds such a column only if the default is constant (its text is
    what counts: ``TEXT DEFAULT 1.50`` reads as '1.50'). Raises ``ValueError`` for any other, which
    no such row can lack.
    """
    for clause in (f"({default})", default):  # a bare word is a text, and in parentheses a column
        try:
            with made_in_memory(f"CREATE TABLE t(a ANY){' STRICT' if strict else ''}") as query:
                query("INSERT INTO t VALUES (1)", ())
                query(f"ALTER TABLE t ADD COLUMN b {kind} DEFAULT {clause}", ())
                [(value,)] = query("SELECT b FROM t", ())
        except sqlite3.Error:
            continue
        found: Value = value
        return found
    raise ValueError(f"not a constant default: {default[:60]}")
