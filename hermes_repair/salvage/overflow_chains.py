"""Payloads that go on beyond their page."""

from __future__ import annotations

from typing import NamedTuple

from hermes_repair.salvage.broken_cells import Broken, Why
from hermes_repair.salvage.btree_page import CHILD
from hermes_repair.salvage.page_image import PageImage


class Chain(NamedTuple):
    """The bytes of an overflow chain.

    ``stale``: a later image of one of its pages was lost. ``shared``: another cell was read through
    one of them. ``zeroed``: where in ``data`` (begin and end) a page stood that holds nothing but
    NUL: part of a BLOB of zeros, or a last page that was lost.
    """

    data: bytes
    stale: bool
    shared: bool
    zeroed: tuple[int, int] | None


_CELLS = 16  # bits; no page has more cells


def owner_of(page: int, slot: int) -> int:
    """Return the number of a cell as the owner of a chain, the same whenever it is read."""
    return page << _CELLS | slot


def read_chain(image: PageImage, first: int, size: int, owner: int) -> Chain | Broken:
    """Return the ``size`` bytes of an overflow chain, or why it does not have exactly these.

    ``owner`` is the cell that it belongs to, by its number (:func:`owner_of`).
    """
    each = image.usable - CHILD
    left = -(-size // each)
    if left > image.page_count:
        return Broken(Why.TOO_LARGE, first)
    parts: list[bytes] = []
    page, at, stale, shared = first, first, False, False
    zeroed: tuple[int, int] | None = None
    zeros = bytes(image.usable)
    while left:
        at = page
        data = image.page(page)
        if data is None or len(data) < image.usable:
            return Broken(Why.CHAIN_ABSENT if page else Why.CHAIN_SHORT, at)
        if not image.owners.take(page, owner):
            shared = True
            if image.owners.exhausted:
                return Broken(Why.CHAIN_SHARED, at)
        if data.startswith(zeros):
            zeroed = (zeroed or (len(parts) * each, 0))[0], min((len(parts) + 1) * each, size)
        parts.append(data[CHILD : image.usable])
        stale = stale or page in image.stale
        page = int.from_bytes(data[:CHILD], "big")
        left -= 1
    if page:
        return Broken(Why.CHAIN_LONG, at)
    return Chain(b"".join(parts)[:size], stale, shared, zeroed)
