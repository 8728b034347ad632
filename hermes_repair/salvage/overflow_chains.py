"""Payloads that go on beyond their page."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from hermes_repair.salvage.btree_page import CHILD
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


def read_chain(image: PageImage, first: int, size: int, owner: int) -> bytes | Broken:
    """Return the ``size`` bytes of an overflow chain, or why it does not have exactly these.

    ``owner`` is a number of the cell that it belongs to, the same whenever it is read.
    """
    each = image.usable - CHILD
    left = -(-size // each)
    if left > image.page_count:
        return Broken(Why.TOO_LARGE, first)
    parts: list[bytes] = []
    page, at = first, first
    while left:
        at = page
        data = image.page(page)
        if data is None or len(data) < image.usable:
            return Broken(Why.CHAIN_ABSENT if page else Why.CHAIN_SHORT, at)
        if not image.owners.take(page, owner):
            return Broken(Why.CHAIN_SHARED, at)
        parts.append(data[CHILD : image.usable])
        page = int.from_bytes(data[:CHILD], "big")
        left -= 1
    if page:
        return Broken(Why.CHAIN_LONG, at)
    return b"".join(parts)[:size]
