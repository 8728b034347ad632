"""Rows that were deleted and whose bytes are still there: for ``--deleted`` alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hermes_repair.model.values import RawText, Value
from hermes_repair.salvage.assignment import AssignedTable
from hermes_repair.salvage.btree_page import INDEX_LEAF, TABLE_LEAF, PageHeader, read_page_header
from hermes_repair.salvage.carving import carve, free_space, whole_in_block
from hermes_repair.salvage.cell_places import Place
from hermes_repair.salvage.cells import Cell, cells, read_places
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.page_survey import Survey
from hermes_repair.salvage.row_shapes import shape_of
from hermes_repair.salvage.stored_table import StoredTable

_SERIAL_TYPES = {type(None): 0, int: 1, float: 7, bytes: 12, str: 13, RawText: 13}
"""A serial type for each kind of value, as fileformat2 numbers them (section 2.1)."""


def deleted_cells(image: PageImage, survey: Survey) -> Iterator[tuple[Leaf, Cell]]:
    """Yield rows of freed pages and of the free space of pages in use, with the page they lie on.

    A deleted row at the start of a free block has lost its first four bytes, where its length and
    rowid stood: its ``rowid`` is None. Only whole records are given, what is broken is left out; a
    row that was moved within its page is given as well, so that it may be alive. Where SQLite was
    built with secure_delete, as on Debian, there is none.
    """
    for leaf in survey.freed():
        for cell in cells(image, leaf):
            if cell.broken is None:
                yield leaf, cell
    for leaf in survey.leaves():
        data = image.page(leaf.page)
        header = read_page_header(data, leaf.page, image.usable) if data else None
        if data and header and header.flags in (TABLE_LEAF, INDEX_LEAF):
            for cell in read_places(image, leaf, data, _free_places(data, header, image.usable)):
                if cell.broken is None:
                    yield leaf, cell


def tables_of(values: Sequence[Value], tables: Iterable[AssignedTable]) -> list[StoredTable]:
    """Return the tables that may have had a row of these values."""
    types = [_SERIAL_TYPES[type(value)] for value in values]
    return [table.stored for table in tables if shape_of(table.stored, 1).fits(types)]


def _free_places(data: bytes, header: PageHeader, usable: int) -> Iterator[Place]:
    for begin, end in free_space(data, header, usable):
        edges = (begin, end) if begin >= header.content else (end,)
        found = carve(data, range(begin, end), header.flags, usable, edges)
        yield from found
        first = found[0].begin if found else end
        if begin >= header.content:
            beheaded = whole_in_block(data, begin, first)
            if beheaded is not None:
                yield beheaded
