"""Rows that were deleted and whose bytes are still there: for ``--deleted`` alone."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.salvage.cells import Cell
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.page_survey import Survey


def deleted_cells(image: PageImage, survey: Survey) -> Iterator[tuple[Leaf, Cell]]:
    """Yield rows of freed pages and of the free space of pages in use, with the page they lie on.

    A deleted row in the free space of a page has lost its first four bytes, where the length and
    the rowid stood: its ``rowid`` is None. Only whole records are given. Where SQLite was built
    with secure_delete, as on Debian, there is none.
    """
    raise NotImplementedError
