"""What a survey of a damaged database names: pages with rows, their trees, rows of the schema."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

from hermes_repair.salvage.btree_page import (
    HIGHEST,
    INDEX_INTERIOR,
    INDEX_LEAF,
    LOWEST,
    TABLE_LEAF,
)


class PageKind(IntEnum):
    """What a page is, by its own bytes and by what points to it."""

    UNREAD = 0  # beyond the end of the file, or given by no file
    ZERO = 1  # nothing but NUL
    GARBAGE = 2  # none of the others
    TABLE_LEAF = 3
    TABLE_INTERIOR = 4
    INDEX_LEAF = 5
    INDEX_INTERIOR = 6
    OVERFLOW = 7  # begins as overflow pages do; which cell it belongs to was not asked
    FREELIST_TRUNK = 8
    FREELIST_LEAF = 9  # listed by a trunk; its old content may still be there
    POINTER_MAP = 10
    LOCK_BYTE = 11  # the page at 1 GiB, which SQLite never uses


class LeafKind(Enum):
    """Which kind of b-tree a page with rows is of.

    Tables ``WITHOUT ROWID`` are index b-trees, so their rows come from ``INDEX`` leaves.
    """

    TABLE = "table"
    INDEX = "index"


class Trust(IntEnum):
    """How well a row's place in the database is proven; the greater value wins."""

    FREED = 0  # on a page that the freelist lists: deleted, unless something proves it is not
    OUT_OF_RANGE = 1  # in a tree, where its parent says that rowids like this one are not
    ORPHAN = 2  # a sound page that no root of the schema leads to
    TREE = 3  # reached from a root that sqlite_master names, with a rowid that belongs there


class Leaf(NamedTuple):
    """A page that holds rows: a table leaf, an index leaf, or an index interior page.

    A named tuple, because it is made for every page. (The cells of an index interior page are rows
    like any other: they stand in no leaf.)

    ``root`` is the topmost page of the tree that it hangs in; None where no page points to it.
    A ``root`` that no schema row names gives ``trust`` ORPHAN, and still all leaves under it are of
    one table. ``low`` and ``high``: its parents allow rowids of ``low < rowid <= high``; None for
    no bound, and both None for index pages. ``trust`` is OUT_OF_RANGE where at least one rowid
    breaks these bounds; :meth:`trust_of` tells which. ``stale``: a later image of it was lost.
    ``headless``: its header is gone, and only its siblings or the schema say what it is: what can
    be read of it is carved, and its tree counts it as lost too.
    """

    page: int
    kind: LeafKind
    root: int | None
    trust: Trust
    low: int | None = None
    high: int | None = None
    stale: bool = False
    interior: bool = False
    headless: bool = False

    @property
    def flags(self) -> int:
        """The first byte that such a page has."""
        if self.kind is LeafKind.TABLE:
            return TABLE_LEAF
        return INDEX_INTERIOR if self.interior else INDEX_LEAF

    @property
    def lowest(self) -> int:
        """The lowest rowid that its parents allow."""
        return LOWEST if self.low is None else self.low + 1

    @property
    def highest(self) -> int:
        """The highest rowid that its parents allow."""
        return HIGHEST if self.high is None else self.high

    def allows(self, rowid: int | None) -> bool:
        """Whether the parents of this page allow a rowid on it; any in an index."""
        return rowid is None or (
            (self.low is None or self.low < rowid) and (self.high is None or rowid <= self.high)
        )

    def trust_of(self, rowid: int | None) -> Trust:
        """Return the trust of one row of this page."""
        if rowid is None or self.trust is not Trust.OUT_OF_RANGE:
            return self.trust
        return Trust.TREE if self.allows(rowid) else Trust.OUT_OF_RANGE


class Loss(Enum):
    """Why a tree cannot use a page that it points to."""

    ABSENT = "it lies beyond the end of the file"
    UNREADABLE = "it is no page of a b-tree"
    OTHER_KIND = "it is a page of another kind of b-tree"
    OTHER_TREE = "another tree has it, and it fits better there"
    FREE = "the freelist has it"
    LOOP = "the tree leads back to itself"
    MISPLACED = (
        "it has rowids that do not belong there: another page, or a torn one, is in its place"
    )


@dataclass(frozen=True, slots=True)
class LostPage:
    """A child that a tree has lost: the rowids ``low < rowid <= high`` lay there or below.

    ``leaf``: whether it was a leaf, as its siblings are; None where none of them can be asked. One
    that is MISPLACED is read all the same, as OUT_OF_RANGE.
    ``low`` and ``high`` are None for no bound and in index b-trees.
    """

    page: int
    parent: int
    loss: Loss
    leaf: bool | None
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """One b-tree: its root, how many pages with rows were reached, and what it has lost.

    ``named``: a row of sqlite_master names this root (or it is page 1). ``kind`` is None where the
    root itself is lost; ``lost`` then has it, with itself as its parent. Of all trees together
    100,000 lost pages are kept.
    """

    root: int
    kind: LeafKind | None
    named: bool
    leaves: int
    lost: tuple[LostPage, ...]


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """A row of sqlite_master, wherever a page holds it.

    ``type`` is table, index, view or trigger; ``root`` is 0 for views, triggers and virtual tables.
    ``sql`` is None for what SQLite makes by itself (sqlite_autoindex).
    """

    type: str
    name: str
    table: str
    root: int
    sql: str | None
    rowid: int
    page: int
    trust: Trust
    stale: bool = False
