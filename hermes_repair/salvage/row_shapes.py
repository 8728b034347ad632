"""Which tables rows could be of, by their storage classes: for pages that no tree of a name has.

Classes alone do not tell: rows of messages fit sessions, those of session_model_usage too. So a
table is asked with the exact classes of each of its columns, and for the two that matter with what
Hermes writes there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_

from hermes_repair.model.salvage_ledger import lower_bound_name
from hermes_repair.model.values import Value
from hermes_repair.salvage.cells import cells, shapes
from hermes_repair.salvage.column_orders import KnownTables, hermes_tables
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.stored_table import (
    ANYTHING,
    Stored,
    StoredTable,
    allows,
    stored_table,
)
from hermes_repair.schema.declared_table import declared_table
from hermes_repair.schema.search import TABLES

ROLES = frozenset({"user", "assistant", "tool", "system", "developer", "session_meta", "function"})
"""The roles of messages that any release of Hermes has written."""
SEQUENCE = "sqlite_sequence"
ROLE_AT = 2
"""The place of ``messages.role`` in every known order."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """What the records of one table may be: their lengths, the classes at each place."""

    name: str
    lengths: frozenset[int]
    allowed: tuple[int, ...]

    def fits(self, types: Sequence[int]) -> bool:
        """Whether a record of these serial types may be of the table."""
        return len(types) in self.lengths and allows(self.allowed, types)

    def could_hold(self, types: Sequence[int]) -> bool:
        """Whether SQLite could have stored it there, whatever a release does."""
        anything = [one if one == Stored.NULL else int(ANYTHING) for one in self.allowed]
        return len(types) <= max(self.lengths) and allows(anything, types)


def shape_of(stored: StoredTable, shortest: int) -> RowShape:
    """Return the shape of a table whose columns are known."""
    allowed = tuple(int(ANYTHING if c is None else c.allowed) for c in stored.columns)
    return RowShape(
        stored.name, frozenset(range(min(shortest, len(allowed)), len(allowed) + 1)), allowed
    )


def _storage() -> dict[str, StoredTable]:
    """Return the tables that FTS5 keeps Hermes' search tables in and that have rowids."""
    texts = {
        "content": "id INTEGER PRIMARY KEY, c0 TEXT",
        "docsize": "id INTEGER PRIMARY KEY, sz BLOB",
        "data": "id INTEGER PRIMARY KEY, block BLOB",
    }
    found = {}
    for owner in TABLES:
        for suffix, columns in texts.items():
            table = declared_table(f"CREATE TABLE {owner}_{suffix}({columns})")
            if table is not None:
                found[table.name] = stored_table(table)
    return found


SEARCH_STORAGE = _storage()
"""What no schema number declares: FTS5 makes them. Their columns are always these."""


@cache
def known_shapes(known: KnownTables) -> Mapping[str, RowShape]:
    """Return the shapes of all known tables, whatever the order of their columns."""
    found: dict[str, RowShape] = {}
    if known is hermes_tables():
        for name, stored in SEARCH_STORAGE.items():
            second = int(_second(stored))
            found[name] = RowShape(name, frozenset({2}), (int(Stored.NULL), second))
    found[SEQUENCE] = RowShape(SEQUENCE, frozenset({2}), (int(Stored.TEXT), int(Stored.INTEGER)))
    for name, table in known.tables.items():
        stored = stored_table(table)
        if stored.without_rowid:
            continue
        by_name = known.allowed(name)
        lengths = known.lengths_of(name)
        found[name] = RowShape(name, lengths, _allowed(known, name, by_name, max(lengths)))
    return found


def _allowed(
    known: KnownTables, table: str, by_name: Mapping[str, Stored], longest: int
) -> tuple[int, ...]:
    """Return what may stand at each place, in any of the orders of a table.

    Sessions have too many: after the columns that all have first, any other may be anywhere.
    """
    shared = known.shared_columns(table)
    rest = Stored(0)
    for column in by_name.keys() - set(shared):
        rest |= by_name[column]
    allowed = [by_name[column] for column in shared] + [rest] * (longest - len(shared))
    orders = known.orders(table)
    for place in range(len(shared), longest):
        here = {order[place] for order in orders if place < len(order)}
        if here:
            allowed[place] = reduce(or_, (by_name[column] for column in here))
    return tuple(map(int, allowed))


def _second(stored: StoredTable) -> Stored:
    return Stored.TEXT if stored.name.endswith("_content") else Stored.BLOB


def tables_of_rows(
    image: PageImage, leaf: Leaf, candidates: Iterable[RowShape], counted: Collection[str]
) -> tuple[str, ...]:
    """Return the tables that most rows of a page fit, and that no other table fits better.

    More than half must: a page can be torn. Messages are taken for nothing else, and nothing else
    for messages: a role of Hermes' stands in them. So it is with the marks of AUTOINCREMENT, which
    name their table, one of ``counted``.
    """
    found = [shape.types for shape in shapes(image, leaf)]
    votes = Counter({shape.name: sum(shape.fits(types) for types in found) for shape in candidates})
    if "messages" in votes:
        read = [cell.values for cell in cells(image, leaf, wanted={ROLE_AT}) if cell.values]
        roles = sum(_role(values) in ROLES for values in read)
        if 2 * roles > len(read) and 2 * votes["messages"] > len(found):
            return ("messages",)
        del votes["messages"]
    if SEQUENCE in votes:
        if _are_marks(image, leaf, counted):
            return (SEQUENCE,)
        del votes[SEQUENCE]
    best = max(votes.values(), default=0)
    if 2 * best <= len(found):
        return ()
    return tuple(sorted(name for name, count in votes.items() if count == best))


def _are_marks(image: PageImage, leaf: Leaf, counted: Collection[str]) -> bool:
    """Whether every row of a page has the name of a table with AUTOINCREMENT, and a number.

    A salvage may have said beside it that such a mark is only a lower bound.
    """
    found = [cell.values for cell in cells(image, leaf) if cell.values is not None]
    names = {*counted, *map(lower_bound_name, counted)}
    return bool(found) and all(
        len(values) == 2 and values[0] in names and isinstance(values[1], int) for values in found
    )


def _role(values: tuple[Value, ...] | None) -> Value:
    return values[ROLE_AT] if values is not None and len(values) > ROLE_AT else None
