"""The rows of a page: exactly what SQLite reads, or the reason why nothing is read.

A record is taken whole or not at all: its header, its body and its overflow chain have to agree to
the byte. ``.recover`` of SQLite 3.46.1 gives the local part of a broken one as if it were all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import Enum
from typing import NamedTuple

from hermes_repair.model.values import Value
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.page_image import PageImage


class Why(Enum):
    """What keeps a cell from being read."""

    CELL_POINTER = "its pointer leads outside the page"
    CELL_CUT = "it runs beyond the end of the page"
    CELL_OVERLAP = "it overlaps another cell"
    ROWID_ORDER = "its rowid is out of order on its page"
    RECORD = "it is no record: header and length do not agree"
    CHAIN_ABSENT = "its overflow chain leads outside the file"
    CHAIN_SHORT = "its overflow chain ends too early"
    CHAIN_LONG = "its overflow chain goes on after its end"
    CHAIN_SHARED = "its overflow chain runs into that of another row"
    TOO_LARGE = "it claims more bytes than the file has"


class Broken(NamedTuple):
    """Why a cell gives no values; ``at``: the page on which that shows (a page of the chain)."""

    why: Why
    at: int


class Cell(NamedTuple):
    """One row of a page. Either ``values`` or ``broken`` is None.

    A named tuple, because millions of them are made. ``slot`` is its place on the page, from 0.
    ``rowid`` is None in index b-trees, and for a cell that is broken before it. ``values`` are in
    stored order, as many as the record has: columns added later are missing at its end, an
    INTEGER PRIMARY KEY is None (it is the rowid), a REAL column may hold an integer.
    """

    page: int
    slot: int
    rowid: int | None
    values: tuple[Value, ...] | None
    broken: Broken | None


class Shape(NamedTuple):
    """One row of a page by its serial types alone (0 NULL, 1-6 integer, 7 REAL, 8 and 9 the
    integers 0 and 1, even from 12 BLOB of (n-12)/2 bytes, odd from 13 TEXT of (n-13)/2)."""

    slot: int
    rowid: int | None
    types: tuple[int, ...]


def cells(image: PageImage, leaf: Leaf, wanted: Collection[int] | None = None) -> Iterator[Cell]:
    """Yield every cell of a page in its order.

    With ``wanted`` only these columns (from 0) are decoded, the others are None; a row whose wanted
    columns lie before its overflow chain is then given without reading the chain. Text that is not
    valid comes as RawText of the UTF-8 bytes that SQLite would give. Never raises for what the
    bytes are; ``OSError`` where the disk does not give them.
    """
    raise NotImplementedError


def shapes(image: PageImage, leaf: Leaf) -> Iterator[Shape]:
    """Yield the serial types of every row of a page whose record header can be read.

    Cheap: no value is decoded and no chain followed, so a row may turn out to be broken later.
    """
    raise NotImplementedError
