"""FTS5 in memory: does it understand a query, and does a text of ours match it?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from hermes_repair.model.values import Value
from hermes_repair.store.connections import bind, placeholder, quote

_FOUND = "SELECT 1 FROM probe WHERE probe MATCH ?"


@dataclass(frozen=True, slots=True)
class TextSearch:
    """A search table of one row at a time, with the columns and the tokenizer of another one."""

    _connection: sqlite3.Connection

    def understands(self, match: str) -> bool:
        """Whether FTS5 can read the query; Hermes shows nothing where it cannot."""
        try:
            self._connection.execute(_FOUND, bind([match])).fetchone()
        except sqlite3.OperationalError:
            return False
        return True

    def matches(self, match: str, texts: Sequence[Value]) -> bool:
        """Whether a row with these texts, one for each column, is found by an understood query."""
        self._connection.execute("DELETE FROM probe")
        values = ", ".join(map(placeholder, texts))
        self._connection.execute(f"INSERT INTO probe VALUES ({values})", bind(texts))
        return self._connection.execute(_FOUND, bind([match])).fetchone() is not None


@contextmanager
def text_search(columns: Sequence[str], options: Sequence[str]) -> Iterator[TextSearch]:
    """Make one with these columns and options of FTS5 (``tokenize = 'trigram'``).

    Raises ``ValueError`` where this SQLite has no FTS5 or lacks the tokenizer.
    """
    declared = ", ".join([*map(quote, columns), *options])
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        try:
            connection.execute(f"CREATE VIRTUAL TABLE probe USING fts5({declared})")
        except sqlite3.OperationalError as error:
            raise ValueError(f"SQLite cannot search here ({error})") from error
        yield TextSearch(connection)
