"""The orders in which Hermes' tables may have their columns, where no CREATE TABLE is left.

A column that an upgrade adds stands at the end, so the order tells the way that a database came.
Up to schema 9 each step added its own columns; from 0.12.0 on a release adds what it misses in the
order of its own structure. A row keeps as many columns as there were when it was written, so the
lengths of the rows tell the way, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from operator import and_

from hermes_repair.salvage.stored_table import Stored, StoredTable, stored_table
from hermes_repair.schema.catalogue import default_catalogue
from hermes_repair.schema.side_store_structures import side_store_structures
from hermes_repair.schema.structure import Column, Structure, Table

LAST_BY_STEPS = 9
MOST_ORDERS = 4_000
"""More are not told apart: by then they agree in next to nothing."""

Order = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Records:
    """What the records of a table show: the lengths that occur, and the classes at each place."""

    lengths: frozenset[int] = frozenset()
    classes: Mapping[int, Stored] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deduced:
    """The columns of a table in stored order, those without a name None.

    ``orders`` is how many orders fit. 0: none did, and only what all of them share has a name.
    """

    stored: StoredTable
    orders: int


@dataclass(frozen=True, slots=True)
class Stage:
    """What a build of Hermes has in a table, in the order in which it would add them."""

    number: int
    fresh: Order
    added: Order


class KnownTables:
    """The tables of one kind of database, and every order in which each may have its columns."""

    def __init__(
        self, structures: Iterable[Structure], stages: Callable[[str], tuple[Stage, ...]]
    ) -> None:
        """Take what each table was, oldest first, and what the builds have in a table by name.

        A table gets every column that any of them gives it; what a column is, is taken from the
        newest, but that it may be NULL from any.
        """
        self.tables: dict[str, Table] = {}
        self._nullable: set[tuple[str, str]] = set()
        for structure in structures:
            for name, table in structure.tables.items():
                older = self.tables[name].columns if name in self.tables else ()
                dropped = tuple(column for column in older if table.column(column.name) is None)
                self._nullable |= {(name, one.name) for one in table.columns if _may_be_null(one)}
                columns = tuple(
                    replace(one, not_null=one.not_null and (name, one.name) not in self._nullable)
                    for one in (*table.columns, *dropped)
                )
                self.tables[name] = replace(table, columns=columns)
        self._stages = {name: stages(name) for name in self.tables}

    def allowed(self, table: str) -> dict[str, Stored]:
        """Return what may stand in each column of a table, in any of the builds."""
        return {
            column.name: column.allowed
            | (Stored.NULL if (table, column.name) in self._nullable else Stored(0))
            for column in stored_table(self.tables[table]).columns
            if column is not None
        }

    def deduce(self, table: str, records: Records, number: int | None = None) -> Deduced:
        """Return the columns of a table by what its records show.

        ``number`` is the schema number where it is known for certain. ``KeyError`` for a table that
        is not known. A place is named where all orders that fit agree; there are as many places as
        the longest record has, and one more for each column that all of them have after these.
        """
        declared = self.tables[table]
        found = self.orders(table, records, number)
        longest = max(records.lengths, default=0)
        if not found:
            shared = self.shared_columns(table)
            unnamed = (None,) * max(0, longest - len(shared))
            return Deduced(stored_table(declared, (*shared, *unnamed)), 0)
        names: list[str | None] = []
        for place in range(min(len(order) for order in found)):
            here = {order[place] for order in found}
            if len(here) > 1 and place >= longest:
                break
            names.append(here.pop() if len(here) == 1 else None)
        return Deduced(stored_table(declared, names), len(found))

    def numbers_of(self, table: str, records: Records) -> frozenset[int]:
        """Return the schema numbers of which a database can be that has such records."""
        orders = self._orders(table, records, None).values()
        return frozenset(number for numbers in orders for number in numbers)

    def orders(
        self, table: str, records: Records | None = None, number: int | None = None
    ) -> frozenset[Order]:
        """Return the orders of a table in which there can be such records; of one number, if given.

        Every way from one build to a later one is gone: also those that only the repository had.
        None where there are more than ``MOST_ORDERS``.
        """
        return frozenset(self._orders(table, records or Records(), number))

    def _orders(
        self, table: str, records: Records, number: int | None
    ) -> Mapping[Order, frozenset[int]]:
        """Return the orders, each with the numbers that have it."""
        longest = max(records.lengths, default=0)
        # As numbers: there are thousands of orders, and the operators of flags are slow.
        refused = {name: ~stored.value for name, stored in self.allowed(table).items()}
        places = range(max(records.classes, default=-1) + 1)
        classes = [records.classes[at].value if at in records.classes else 0 for at in places]
        met: dict[Order, frozenset[int]] = {}
        for stage in self._stages[table]:
            if number is not None and stage.number > number:
                break
            reached: list[Order] = []
            for before in ((), *met):
                order = _grown(before, stage)
                if any(len(before) < length < len(order) for length in records.lengths):
                    continue
                new = len(before)
                if order in met or not any(
                    map(and_, classes[new:], map(refused.__getitem__, order[new:]))
                ):
                    reached.append(order)
            for order in reached:
                met[order] = met.get(order, frozenset()) | {stage.number}
            if len(met) > MOST_ORDERS:
                return {}
        return {
            order: numbers
            for order, numbers in met.items()
            if len(order) >= longest and (number is None or number in numbers)
        }

    def shared_columns(self, table: str) -> Order:
        """Return the columns that all orders of a table begin with: those of all made new."""
        places: list[str] = []
        for here in zip(*(stage.fresh for stage in self._stages[table]), strict=False):
            if len(set(here)) > 1:
                break
            places.append(here[0])
        return tuple(places)

    def first_number(self, table: str) -> int:
        """Return the first schema number that had a table; 0 for one that comes with any."""
        return min((stage.number for stage in self._stages.get(table, ())), default=0)

    def lengths_of(self, table: str) -> frozenset[int]:
        """Return how many columns a table has had."""
        return frozenset(len(stage.fresh) for stage in self._stages[table])


@cache
def hermes_tables() -> KnownTables:
    """Return the tables of state.db, those of FTS5 aside."""
    catalogue = default_catalogue()
    shapes = [shape for version in catalogue.versions.values() for shape in version.shapes.values()]
    return KnownTables((*shapes, catalogue.side), _stages_of_numbers)


@cache
def side_store_tables(name: str) -> KnownTables:
    """Return the tables of another database of Hermes' (``kanban.db``); none where it is unknown.

    A release adds what it misses to the tables, as it does in state.db.
    """
    structures = side_store_structures(name)

    def stages(table: str) -> tuple[Stage, ...]:
        orders = [
            tuple(column.name for column in structure.tables[table].columns)
            for structure in structures
            if table in structure.tables
        ]
        return tuple(Stage(0, order, order) for order in orders)

    return KnownTables(structures, stages)


def _may_be_null(column: Column) -> bool:
    return not (column.not_null or column.pk)


def _grown(order: Order, stage: Stage) -> Order:
    """Return the order after a build has opened a database; () is none yet."""
    if not order:
        return stage.fresh
    there = frozenset(order)
    return order + tuple(name for name in stage.added if name not in there)


def _stages_of_numbers(table: str) -> tuple[Stage, ...]:
    """Return what the builds of each number had, those first that lack what came while it stood."""
    catalogue = default_catalogue()
    steps: list[str] = []
    found: dict[Stage, None] = {}
    if table in catalogue.side.tables:
        names = tuple(column.name for column in catalogue.side.tables[table].columns)
        found[Stage(0, names, names)] = None
    for number, version in catalogue.versions.items():
        if number in catalogue.steps:
            steps += [
                made.name.partition(".")[2]
                for made in catalogue.steps[number].objects
                if made.kind == "column" and made.name.startswith(f"{table}.")
            ]
        for shape in version.shapes.values():
            if table not in shape.tables:
                continue
            names = tuple(column.name for column in shape.tables[table].columns)
            late = [name for name in names if f"{table}.{name}" in version.early]
            for without in _subsets(late):
                fresh = tuple(name for name in names if name not in without)
                added = fresh
                if number <= LAST_BY_STEPS:
                    added = tuple(dict.fromkeys([n for n in steps if n in fresh] + list(fresh)))
                found[Stage(number, fresh, added)] = None
    return tuple(found)


def _subsets(names: Collection[str]) -> Iterator[tuple[str, ...]]:
    for count in range(len(names), -1, -1):
        yield from combinations(names, count)
