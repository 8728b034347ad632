"""Which table each page with rows belongs to, which columns it has, and how both are known."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from operator import lt

from hermes_repair.salvage.leaves import Leaf, SchemaRow
from hermes_repair.salvage.page_survey import Survey
from hermes_repair.salvage.stored_table import StoredTable


class ColumnsFrom(Enum):
    """How the columns of a table, and their order, are known."""

    SCHEMA = "a page still holds its CREATE TABLE"
    ORDERS = "every order that fits, of those that Hermes' releases and upgrades make, agrees"
    ORDERS_DIFFER = "the orders that fit differ: columns without a name are not known"


class NumberFrom(Enum):
    """How the schema number is known."""

    VERSION_ROW = "the row of schema_version"
    STRUCTURE = "the tables, columns and search tables that sqlite_master still names"
    INSTALLED = "chosen: the installed Hermes expects it, and the rows fit it"
    LOWEST = "chosen: the lowest that the rows fit"
    NOTHING = "nothing tells it"


class Unassigned(Enum):
    """Why the rows of a page belong to no table for us."""

    NO_SHAPE = "no table that is known has rows like these"
    SEVERAL = "rows like these fit several tables, and nothing tells which"


@dataclass(frozen=True, slots=True)
class UnassignedPage:
    """A page whose rows are of no known table; ``candidates`` are those that they would fit."""

    leaf: Leaf
    why: Unassigned
    candidates: tuple[str, ...] = ()


@dataclass(slots=True)
class TablePages:
    """The table leaves of one table, and between which rowids each lies: 20 bytes a page."""

    pages: array[int] = field(default_factory=lambda: array("I"))
    lows: array[int] = field(default_factory=lambda: array("q"))
    highs: array[int] = field(default_factory=lambda: array("q"))

    def add(self, page: int, low: int, high: int) -> None:
        """Take one more page, with its lowest and highest rowid or the bounds of these."""
        self.pages.append(page)
        self.lows.append(low)
        self.highs.append(high)

    def in_order(self) -> TablePages:
        """Return the same pages in the order of their lowest rowid."""
        if all(map(lt, self.lows, islice(self.lows, 1, None))):
            return self
        keys = list(zip(self.lows, self.highs, self.pages, strict=True))
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return TablePages(
            array("I", (self.pages[at] for at in order)),
            array("q", (self.lows[at] for at in order)),
            array("q", (self.highs[at] for at in order)),
        )

    def runs(self) -> Iterator[list[tuple[int, int]]]:
        """Yield the pages in order, each with its lowest rowid; those that overlap as one."""
        run: list[tuple[int, int]] = []
        end = 0
        for page, low, high in zip(self.pages, self.lows, self.highs, strict=True):
            if run and low > end:
                yield run
                run = []
            end = max(end, high) if run else high
            run.append((low, page))
        if run:
            yield run


@dataclass(frozen=True, slots=True)
class AssignedTable:
    """One table: its columns, how they are known, and its CREATE TABLE where a page has it.

    ``by_tree`` and ``by_shape`` say how many pages came to it as its tree has them, and by what
    their rows are alone. ``lost``: how many of its leaves its tree has lost, None where the tree
    itself is not known; ``places_lost``: between which rowids these lay (the first and the last
    that each could have), as far as the tree says it. ``whole``: its tree is known and has lost no
    page, so that no row of it can be missing; so is a table that is not there. A table without any
    page is here too, if sqlite_master names it.
    """

    stored: StoredTable
    columns_from: ColumnsFrom
    sql: str | None
    root: int | None
    by_tree: int
    by_shape: int
    lost: int | None
    whole: bool
    pages: TablePages = field(repr=False)
    places_lost: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        return self.stored.name

    @property
    def has_pages(self) -> bool:
        """Whether any page came to it."""
        return bool(self.by_tree or self.by_shape)


@dataclass(frozen=True, slots=True)
class AssignedIndex:
    """One index of a table, by plain columns: what its entries say of the rows.

    ``columns`` are those of an entry in their order, without the rowid that ends it. ``partial``:
    it leaves rows out on purpose. ``whole``: its tree has lost no page, so that a row which is not
    in it is no row.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    partial: bool
    whole: bool
    root: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every page with rows given to a table, or named as unassigned.

    ``tables`` by name, those of FTS5 among them. ``schema`` has the most trusted row of
    sqlite_master for each type and name. ``number`` is the schema number as far as known;
    ``upgraded`` whether the columns stand in another order than in a fresh database of it (None
    where that is not known).
    """

    tables: Mapping[str, AssignedTable]
    indexes: tuple[AssignedIndex, ...]
    schema: Mapping[tuple[str, str], SchemaRow]
    number: int | None
    number_from: NumberFrom
    upgraded: bool | None
    unassigned: tuple[UnassignedPage, ...]
    survey: Survey = field(repr=False)

    def leaves(self, table: str, wanted: Sequence[int] | None = None) -> Iterator[Leaf]:
        """Yield the pages of a table in the order of their lowest rowid.

        With ``wanted``, rowids in order, only those pages where one of them can be.
        """
        pages = self.tables[table].pages
        for page, low, high in zip(pages.pages, pages.lows, pages.highs, strict=True):
            if wanted is not None and bisect_left(wanted, low) == bisect_right(wanted, high):
                continue
            leaf = self.survey.leaf(page)
            if leaf is not None:
                yield leaf
