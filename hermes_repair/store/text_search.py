"""FTS5 in memory: does it understand a query, and does a text of ours match it?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from hermes_repair.model.values import Value
from hermes_repair.store.connections import bind, open_in_memory, placeholder, quote


@dataclass(frozen=True, slots=True)
class TextSearch:
    """An empty search table with the columns and the tokenizer of another one."""

    _connection: sqlite3.Connection
    _columns: tuple[str, ...]

    def understands(self, match: str) -> bool:
        """Whether FTS5 can read the query; Hermes shows nothing where it cannot."""
        try:
            sql = "SELECT 1 FROM probe WHERE probe MATCH ?"
            self._connection.execute(sql, bind([match])).fetchall()
        except sqlite3.OperationalError:
            return False
        return True

    def matching(self, match: str, rows: Iterable[tuple[int, Sequence[Value]]]) -> frozenset[int]:
        """Return which rows (id and a text for each column) an understood query finds."""
        self._connection.execute("BEGIN")
        for id, texts in rows:
            values = ", ".join(map(placeholder, texts))
            columns = ", ".join(map(quote, self._columns))
            insert = f"INSERT INTO probe(rowid, {columns}) VALUES ({id:d}, {values})"
            self._connection.execute(insert, bind(texts))
        sql = "SELECT rowid FROM probe WHERE probe MATCH ?"
        ids = frozenset(row[0] for row in self._connection.execute(sql, bind([match])))
        self._connection.execute("ROLLBACK")
        return ids


@contextmanager
def text_search(columns: Sequence[str], options: Sequence[str]) -> Iterator[TextSearch]:
    """Make one with these columns and options of FTS5 (``tokenize = 'trigram'``).

    Raises ``ValueError`` where this SQLite has no FTS5 or lacks the tokenizer.
    """
    declared = ", ".join([*map(quote, columns), *options, "content = ''"])
    with closing(open_in_memory()) as connection:
        try:
            connection.execute(f"CREATE VIRTUAL TABLE probe USING fts5({declared})")
        except sqlite3.OperationalError as error:
            raise ValueError(f"SQLite cannot search here ({error})") from error
        yield TextSearch(connection, tuple(columns))
