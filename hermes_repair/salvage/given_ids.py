"""The highest id that AUTOINCREMENT ever gave in each table, and whether a page still proves it.

SQLite keeps the marks in ``sqlite_sequence``, with each id that it gives. That table never loses a
page but by damage: what stands on its pages is the truth, where nothing of it can be missing and no
later image of it was lost. Everything else that has ids says only how far they had gone at least.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from hermes_repair.model.salvage_ledger import lower_bound_name
from hermes_repair.model.values import whole
from hermes_repair.salvage.damaged_database import DamagedDatabase
from hermes_repair.salvage.deleted_cells import deleted_cells, tables_of
from hermes_repair.salvage.leaves import Leaf, Trust
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.plain_leaves import plain_rows
from hermes_repair.salvage.row_shapes import SEQUENCE


class GivenIds(NamedTuple):
    """``highest``: the highest id that a table ever gave, 0 for none; ``known``: whether that is
    proven. If it is not, more may have been given and deleted again."""

    highest: int
    known: bool


def given_ids(source: DamagedDatabase, tables: Collection[str]) -> Mapping[str, GivenIds]:
    """Return how far the ids of some tables with AUTOINCREMENT had gone.

    Where the mark cannot be read, the deleted rows that are still there are looked at too.
    """
    marks = _proven_marks(source)
    found: dict[str, GivenIds] = {}
    for table in tables:
        seen = source.witnesses.highest(table)
        mark = None
        if marks is not None and lower_bound_name(table) not in marks:
            mark = marks.get(table, 0)  # a table without a mark never gave an id
        found[table] = GivenIds(seen, mark is not None and mark >= seen)
    unknown = {table for table, given in found.items() if not given.known}
    for table, rowid in _deleted_ids(source, unknown) if unknown else ():
        if rowid > found[table].highest:
            found[table] = GivenIds(rowid, known=False)
    return found


def _proven_marks(source: DamagedDatabase) -> Mapping[str, int | None] | None:
    """Return the marks by table; None where a page of them may be lost or of an earlier moment.

    The mark of a table is None where it is not one number.
    """
    sequence = source.assignment.tables.get(SEQUENCE)
    if sequence is None:
        return None
    leaves = list(source.assignment.leaves(SEQUENCE))
    in_tree = sequence.whole and all(leaf.trust is Trust.TREE for leaf in leaves)
    if not leaves or not (in_tree or _is_lone_root(source.image, leaves)):
        return None
    found: dict[str, int | None] = {}
    for leaf in leaves:
        rows = plain_rows(source.image, leaf)
        if rows is None or not _is_last_image(source.image, leaf.page):
            return None
        for _, (name, mark) in (row for row in rows if len(row[1]) == 2):
            once = isinstance(mark, int) and name not in found
            found[str(name)] = whole(mark) if once else None
    return found


def _is_last_image(image: PageImage, page: int) -> bool:
    return not (image.may_be_older(page) or page in image.unproven)


def _is_lone_root(image: PageImage, leaves: list[Leaf]) -> bool:
    """Whether the only page of the marks is their root, though page 1 does not say so any more.

    A root stays where it is, and another page like it there is not. Only where auto-vacuum moves
    roots, when a table is dropped, the old one may be left.
    """
    return len(leaves) == 1 and leaves[0].trust is Trust.ORPHAN and not image.auto_vacuum


def _deleted_ids(source: DamagedDatabase, tables: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield the ids of deleted rows that can still be read, with the table that each is of."""
    every = source.assignment.tables.values()
    for _, cell in deleted_cells(source.image, source.survey):
        if cell.rowid is None or cell.values is None:
            continue
        fitting = tables_of(cell.values, every)
        if len(fitting) == 1 and fitting[0].name in tables:
            yield fitting[0].name, cell.rowid
