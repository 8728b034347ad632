"""An index against its table, row by row, and what can be read of either."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, replace

from hermes_repair.model.errors import DatabaseUnreadable, Refused
from hermes_repair.store.connections import quote
from hermes_repair.store.look import Look

_WHERE = re.compile(r"\)\s*WHERE\b(.+)$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An index that does not have the rows of its table.

    ``rows`` are those that it has to know, ``entries`` those that it has, ``missing`` the rows that
    are not found through it; None where that cannot be counted. ``doubled`` are values that a
    UNIQUE index let in twice because it did not know the first. ``readable``: its pages are.
    """

    index: str
    table: str
    rows: int | None = None
    entries: int | None = None
    missing: int | None = None
    doubled: int = 0
    readable: bool = True

    def words(self) -> str:
        """Return what is wrong with it as a sentence, without the full stop."""
        subject = f"The index {self.index} of {self.table} "
        if not self.readable:
            return f"{subject}cannot be read"
        if self.entries is None or self.rows is None or self.missing is None:
            return f"{subject}does not have the rows of its table"
        parts = [f"lacks {self.missing:,} of {self.rows:,} rows"] if self.missing else []
        parts += [f"has {self.surplus:,} that do not match the table"] if self.surplus else []
        parts += [f"let in {self.doubled:,} values twice"] if self.doubled else []
        return subject + (" and ".join(parts) or "is not in order")

    @property
    def surplus(self) -> int:
        """Entries that no row of the table has: the index is old, or rows of the table are lost."""
        if self.entries is None or self.rows is None or self.missing is None:
            return 0
        return max(0, self.entries - (self.rows - self.missing))

    @property
    def differs(self) -> bool:
        """Whether the numbers alone speak against it."""
        counted = self.entries is not None and self.rows is not None
        return bool(self.missing) or (counted and self.entries != self.rows)


def compare_index(look: Look, table: str, index: str) -> Disagreement:
    """Count what an index has and lacks, by the table read without any index."""
    key = [
        quote(column) if isinstance(column, str) else None
        for (column,) in look.rows("SELECT name FROM pragma_index_xinfo(?) WHERE key", [index])
    ]
    columns = [column for column in key if column is not None]
    covered = _covered(look, index)
    through = f"FROM {quote(table)} AS e INDEXED BY {quote(index)} WHERE ({covered})"
    without = f"FROM {quote(table)} AS r NOT INDEXED WHERE ({covered})"
    values = ", ".join(f"MAX({column})" for column in columns)
    disagreement = Disagreement(
        index,
        table,
        rows=_number(look, f"SELECT COUNT(*) {without}"),
        entries=_number(look, f"SELECT COUNT(*) {through}"),
        readable=_reads(look, f"SELECT COUNT(*), {values or 1} {through}"),
    )
    if None in key:
        return disagreement  # of an expression
    same = " AND ".join(["e.rowid = r.rowid", *(f"e.{column} IS r.{column}" for column in columns)])
    missing = f"SELECT COUNT(*) {without} AND NOT EXISTS (SELECT 1 {through} AND {same})"
    row = look.one('SELECT "unique" FROM pragma_index_list(?) WHERE name = ?', [table, index])
    doubled = None
    if row is not None and row[0]:
        known = " AND ".join(f"{column} IS NOT NULL" for column in columns)  # NULLs are no double
        twice = f"GROUP BY {', '.join(columns)} HAVING COUNT(*) > 1"
        doubled = _number(look, f"SELECT COUNT(*) FROM (SELECT 1 {without} AND {known} {twice})")
    return replace(
        disagreement,
        missing=_number(look, missing),
        doubled=doubled or 0,
        readable=disagreement.readable and _reads(look, missing),
    )


def _covered(look: Look, index: str) -> str:
    """Return the condition of a partial index, of any other one that all rows meet."""
    row = look.one("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", [index])
    condition = _WHERE.search(row[0]) if row is not None and isinstance(row[0], str) else None
    return condition[1] if condition else "1"


def reads_whole(look: Look, table: str) -> bool:
    """Whether every value of a table can be read by its own tree."""
    values = ", ".join(f"MAX({quote(column)})" for column in look.columns(table))
    return _reads(look, f"SELECT {values} FROM {quote(table)} NOT INDEXED")


def _reads(look: Look, sql: str) -> bool:
    """Whether a query finds no damage; one that SQLite does not make (an index it has no use for,
    as ``active IS NULL`` of a NOT NULL column) finds none.
    """
    try:
        look.one(sql)
    except DatabaseUnreadable as error:
        return getattr(error.__cause__, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    except Refused:
        return False
    return True


def _number(look: Look, sql: str) -> int | None:
    """Return one number, None where the file does not give it."""
    try:
        row = look.one(sql)
    except (DatabaseUnreadable, Refused):
        return None
    return row[0] if row is not None and isinstance(row[0], int) else None
