"""The rows of pages on which nothing is out of place: of nearly all pages, also of a damaged file.

:mod:`.cells` reads the others, and says of each cell what is wrong. Of a plain page both say the
same, and this one takes half the time.
"""

from __future__ import annotations

from typing import TypeAlias

from hermes_repair.model.values import Value
from hermes_repair.salvage.broken_cells import Broken
from hermes_repair.salvage.btree_page import CHILD, read_page_header
from hermes_repair.salvage.cell_places import whole_cells
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.overflow_chains import owner_of, read_chain
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.records import NoRecord, decode_record

PlainRow: TypeAlias = tuple[int | None, tuple[Value, ...]]
"""The rowid of a row (None in an index) and its values in stored order, as a Cell has them."""


def plain_rows(image: PageImage, leaf: Leaf) -> list[PlainRow] | None:
    """Return the rows of a page in its order; None where anything on it does not add up.

    Every record is whole then, and no overflow chain is stale, shared, or runs through a page of
    zeros. Whether the page is stale itself ``leaf`` says.
    """
    data = image.page(leaf.page)
    header = read_page_header(data, leaf.page, image.usable) if data is not None else None
    if data is None or header is None or header.flags != leaf.flags:
        return None
    found = whole_cells(data, header, image.usable)
    if found is None:
        return None
    rows: list[PlainRow] = []
    encoding = image.encoding
    try:
        for at, size, local, rowid in found:
            if local == size:
                rows.append((rowid, decode_record(data, at, size, encoding)))
                continue
            owner = owner_of(leaf.page, len(rows))
            record = _with_chain(image, data[at : at + local + CHILD], size, owner)
            if record is None:
                return None
            rows.append((rowid, decode_record(record, 0, size, encoding)))
    except NoRecord:
        return None
    return rows


def _with_chain(image: PageImage, local: bytes, size: int, owner: int) -> bytes | None:
    """Return a record of which ``local`` lies on its page, the number of the next one at the end.

    None where anything about the chain is not as it should be.
    """
    first = int.from_bytes(local[-CHILD:], "big")
    rest = read_chain(image, first, size - len(local) + CHILD, owner)
    if isinstance(rest, Broken) or rest.stale or rest.shared or rest.zeroed is not None:
        return None
    return local[:-CHILD] + rest.data
