"""Why a cell gives no row."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


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
    CHAIN_ZERO = "its text runs through a page of its overflow chain on which there is only NUL"
    CHAIN_STALE = "a page of its overflow chain is of an earlier moment: a later image was lost"
    CHAIN_SHARED = "too many overflow chains run into each other"
    TOO_LARGE = "it claims more bytes than the file has"


class Broken(NamedTuple):
    """Why a cell gives no values; ``at``: the page on which that shows (a page of the chain)."""

    why: Why
    at: int
