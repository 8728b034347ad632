"""The rows of a table to be written again, each key once, with what is known of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple, Protocol

from hermes_repair.model.values import Row
from hermes_repair.salvage.assignment import Assignment
from hermes_repair.salvage.cells import Why
from hermes_repair.salvage.leaves import Trust
from hermes_repair.salvage.page_image import PageImage


class Mark(Enum):
    """What speaks against a row, or why nothing speaks for it."""

    CONTRADICTED = "an index or the search copy says something else of it"
    UNWITNESSED = "others of its table are in an index or the search copy, and it is not"
    STALE_PAGE = "a later image of its page was lost"
    UNPROVEN_PAGE = "its page comes from the -wal without a checksum that proves it"
    NUL = "a text has NUL characters that its copy in the search index does not have"
    SEARCH_COPY = "it is not a row that was read: the search copy and an index say it"


class SalvagedRow(NamedTuple):
    """One row, whole. ``values`` by column name, in stored order, the rowid column filled in.

    Columns whose names are not known are left out (``Assignment.tables[...].stored.unknown``).
    """

    table: str
    rowid: int | None
    values: Row
    page: int
    trust: Trust
    marks: frozenset[Mark]


class Refusal(Enum):
    """Why something that lay on a page of a table is not among its rows."""

    BROKEN = "it cannot be read as a whole"
    MISFIT = "it is no row of this table"
    OLDER = "another row has its key, and is more trusted"


class Refused(NamedTuple):
    """A cell that gave no row. ``why`` with BROKEN; ``values`` with OLDER and MISFIT."""

    table: str
    rowid: int | None
    page: int
    refusal: Refusal
    why: Why | None
    values: Row | None


class Judge(Protocol):
    """What says of a row which marks it deserves (:class:`.witnesses.Witnesses`)."""

    def marks(self, table: str, rowid: int | None, values: Row) -> frozenset[Mark]: ...


def nothing_refused(refused: Refused) -> None:
    """Take no notice of what is refused."""


def rows(
    image: PageImage,
    assignment: Assignment,
    table: str,
    judge: Judge | None = None,
    refused: Callable[[Refused], None] = nothing_refused,
) -> Iterator[SalvagedRow]:
    """Yield the rows of a table, by rowid, each key once.

    Of two rows with one rowid or one primary key the more trusted is given, and ``refused`` is told
    of the other: tree before orphan before out of range, then a page that is not stale, of sessions
    the greater counters. Two that are equal are one.
    """
    raise NotImplementedError
