"""The rows of a page: exactly what SQLite reads, or the reason why nothing is read.

A record is taken whole or not at all: its header, its body and its overflow chain have to agree to
the byte. ``.recover`` of SQLite 3.46.1 gives the local part of a broken one as if it were all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from hermes_repair.model.values import Value
from hermes_repair.salvage.broken_cells import Broken, Why
from hermes_repair.salvage.btree_page import CHILD, PageHeader, read_page_header, varint
from hermes_repair.salvage.cell_places import Place, places
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.overflow_chains import Chain, read_chain
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.records import (
    NoRecord,
    body_size,
    decode_record,
    decode_some,
    end_of,
    read_types,
)

_CELLS = 16  # bits of an owner's number: no page has more cells


class Cell(NamedTuple):
    """One row of a page. Either ``values`` or ``broken`` is None.

    A named tuple, because millions of them are made. ``slot`` is its place on the page, from 0.
    ``rowid`` is None in index b-trees, and for a cell that is broken before it. ``values`` are in
    stored order, as many as the record has: columns added later are missing at its end, an
    INTEGER PRIMARY KEY is None (it is the rowid), a REAL column may hold an integer. ``stale``: a
    later image of the page, or of one that its overflow chain was read through, was lost.
    """

    page: int
    slot: int
    rowid: int | None
    values: tuple[Value, ...] | None
    broken: Broken | None
    stale: bool = False


class Shape(NamedTuple):
    """One row of a page by its serial types alone.

    0 NULL, 1-6 integer, 7 REAL, 8 and 9 the integers 0 and 1, even from 12 BLOB of (n-12)/2 bytes,
    odd from 13 TEXT of (n-13)/2.
    """

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
    found = _read(image, leaf)
    if found is None:
        return
    data, header = found
    page, encoding, stale = leaf.page, image.encoding, leaf.stale
    for slot, place in enumerate(places(data, header, image.usable)):
        _, at, _, size, local, rowid, why = place
        if why is not None:
            yield Cell(page, slot, rowid, None, Broken(why, page))
            continue
        try:
            if wanted is not None:
                values = _some(image, data, place, wanted)
                if values is not None:
                    yield Cell(page, slot, rowid, values, None, stale)
                    continue
            if size == local:
                values = decode_record(data, at, size, encoding)
                yield Cell(page, slot, rowid, values, None, stale)
                continue
            payload = _payload(image, data, place, page << _CELLS | slot)
            if isinstance(payload, Broken):
                yield Cell(page, slot, rowid, None, payload)
                continue
            values = decode_record(payload.data, 0, size, encoding)
            yield Cell(page, slot, rowid, values, None, stale or payload.stale)
        except NoRecord:
            yield Cell(page, slot, rowid, None, Broken(Why.RECORD, page))


def shapes(image: PageImage, leaf: Leaf) -> Iterator[Shape]:
    """Yield the serial types of every row of a page whose record header can be read.

    Cheap: no value is decoded, and no chain followed but for a header that goes on in one; so a row
    may turn out to be broken later.
    """
    found = _read(image, leaf)
    if found is None:
        return
    data, header = found
    for slot, place in enumerate(places(data, header, image.usable)):
        if place.why is not None:
            continue
        record = data[place.at : place.at + place.local]
        try:
            if place.local < place.size and varint(record, 0)[0] > place.local:
                payload = _payload(image, data, place, leaf.page << _CELLS | slot)
                record = b"" if isinstance(payload, Broken) else payload.data
            yield Shape(slot, place.rowid, tuple(read_types(record, 0)[1]))
        except (NoRecord, IndexError):
            continue


def _read(image: PageImage, leaf: Leaf) -> tuple[bytes, PageHeader] | None:
    data = image.page(leaf.page)
    header = read_page_header(data, leaf.page, image.usable) if data is not None else None
    return (data, header) if data is not None and header is not None else None


def _some(
    image: PageImage, data: bytes, place: Place, wanted: Collection[int]
) -> tuple[Value, ...] | None:
    """Return the wanted values where they lie on the page itself, else None."""
    record = data[place.at : place.at + place.local]
    try:
        head, types = read_types(record, 0)
    except NoRecord:
        return None
    if end_of(types, head, wanted) > place.local or head + body_size(types) != place.size:
        return None
    return decode_some(record, 0, types, head, wanted, image.encoding)


def _payload(image: PageImage, data: bytes, place: Place, owner: int) -> Chain | Broken:
    """Return a record that goes on beyond its page, whole."""
    end = place.at + place.local
    first = int.from_bytes(data[end : end + CHILD], "big")
    rest = read_chain(image, first, place.size - place.local, owner)
    if isinstance(rest, Broken):
        return rest
    return Chain(data[place.at : end] + rest.data, rest.stale)
