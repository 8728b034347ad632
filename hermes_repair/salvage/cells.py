"""The rows of a page: exactly what SQLite reads, or the reason why nothing is read.

A record is taken whole or not at all: its header, its body and its overflow chain have to agree to
the byte. ``.recover`` of SQLite 3.46.1 gives the local part of a broken one as if it were all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from hermes_repair.model.values import Value
from hermes_repair.salvage.broken_cells import Broken, Why
from hermes_repair.salvage.btree_page import (
    CHILD,
    begin_of,
    read_page_header,
    varint,
)
from hermes_repair.salvage.carving import carve
from hermes_repair.salvage.cell_places import Place, places
from hermes_repair.salvage.leaves import Leaf
from hermes_repair.salvage.overflow_chains import Chain, owner_of, read_chain
from hermes_repair.salvage.page_image import PageImage
from hermes_repair.salvage.plain_leaves import plain_rows
from hermes_repair.salvage.records import (
    NoRecord,
    body_size,
    decode_record,
    decode_some,
    end_of,
    read_header,
)

_ZEROS_OF_NUMBERS = 16  # bytes; the end of a REAL may be zeros, and lie on the last page alone


class Cell(NamedTuple):
    """One row of a page. Either ``values`` or ``broken`` is None.

    A named tuple, because millions of them are made. ``slot`` is its place on the page, from 0.
    ``rowid`` is None in index b-trees, and for a cell that is broken before it. ``values`` are in
    stored order, as many as the record has: columns added later are missing at its end, an
    INTEGER PRIMARY KEY is None (it is the rowid), a REAL column may hold an integer. ``stale``: a
    later image of the page was lost.
    ``carved``: the page has lost the pointer to it, so it may be a row that was deleted or changed.
    ``shared``: another row's overflow chain runs through a page of its own, so that one of the two
    is wrong; the first of them that is read does not know it until it is read again.
    """

    page: int
    slot: int
    rowid: int | None
    values: tuple[Value, ...] | None
    broken: Broken | None
    stale: bool = False
    carved: bool = False
    shared: bool = False


class Shape(NamedTuple):
    """One row of a page by its serial types alone.

    0 NULL, 1-6 integer, 7 REAL, 8 and 9 the integers 0 and 1, even from 12 BLOB of (n-12)/2 bytes,
    odd from 13 TEXT of (n-13)/2.
    """

    slot: int
    rowid: int | None
    types: tuple[int, ...]


def cells(
    image: PageImage,
    leaf: Leaf,
    wanted: Collection[int] | None = None,
    other: bytes | None = None,
) -> Iterator[Cell]:
    """Yield every cell of a page in its order.

    With ``wanted`` only these columns (from 0) are decoded, the others are None; a row whose wanted
    columns lie before its overflow chain is then given without reading the chain. Text that is not
    valid comes as RawText of the UTF-8 bytes that SQLite would give. ``other`` is another image of
    the page, to be read instead. Never raises for what the bytes are; ``OSError`` where the disk
    does not give them.
    """
    data = image.page(leaf.page) if other is None else other
    if data is not None:
        found, carved = _places(image, leaf, data)
        yield from read_places(image, leaf, data, found, wanted)
        for cell in read_places(image, leaf, data, carved, wanted):
            if cell.broken is None:
                yield cell._replace(slot=cell.slot + len(found), carved=True)


def rows_of(image: PageImage, leaf: Leaf) -> Iterable[tuple[int | None, tuple[Value, ...] | None]]:
    """Return rowid and values of every cell of a page, as :func:`cells` has them, and no more."""
    plain = plain_rows(image, leaf)
    return plain if plain is not None else ((c.rowid, c.values) for c in cells(image, leaf))


def _places(image: PageImage, leaf: Leaf, data: bytes) -> tuple[list[Place], list[Place]]:
    """Return where the cells of a page lie, and the cells to which it has lost the pointers."""
    header = read_page_header(data, leaf.page, image.usable)
    if header is None or header.flags != leaf.flags:
        return [], _without_pointer(image, leaf, data, [])
    found = places(data, header, image.usable)
    lost = sum(place.why is Why.CELL_POINTER for place in found)
    return found, _without_pointer(image, leaf, data, found)[-lost:] if lost else []


def _without_pointer(
    image: PageImage, leaf: Leaf, data: bytes, found: Iterable[Place]
) -> list[Place]:
    """Return the cells that could lie between those that were found."""
    known = sorted((place for place in found if place.why is None), key=lambda place: place.begin)
    rowids = {place.rowid for place in known}
    edges = {image.usable, *(place.begin for place in known), *(place.end for place in known)}
    begins = [begin_of(leaf.page), *(place.end for place in known)]
    ends = [*(place.begin for place in known), image.usable]
    return [
        place
        for begin, end in zip(begins, ends, strict=True)
        for place in carve(data, range(begin, end), leaf.flags, image.usable, edges)
        if leaf.allows(place.rowid) and (place.rowid is None or place.rowid not in rowids)
    ]


def read_places(
    image: PageImage,
    leaf: Leaf,
    data: bytes,
    found: Iterable[Place],
    wanted: Collection[int] | None = None,
) -> Iterator[Cell]:
    """Yield the cells at these places of a page, as :func:`cells` does."""
    page, encoding, stale = leaf.page, image.encoding, leaf.stale
    for slot, place in enumerate(found):
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
            payload = _payload(image, data, place, owner_of(page, slot))
            if isinstance(payload, Broken):
                yield Cell(page, slot, rowid, None, payload)
                continue
            values = decode_record(payload.data, 0, size, encoding)
            if payload.zeroed is not None and _is_lost(payload.data, *payload.zeroed):
                yield Cell(page, slot, rowid, None, Broken(Why.CHAIN_ZERO, page))
                continue
            if payload.stale and not stale:
                yield Cell(page, slot, rowid, None, Broken(Why.CHAIN_STALE, page))
                continue
            yield Cell(page, slot, rowid, values, None, stale, shared=payload.shared)
        except NoRecord:
            yield Cell(page, slot, rowid, None, Broken(Why.RECORD, page))


def shapes(image: PageImage, leaf: Leaf) -> Iterator[Shape]:
    """Yield the serial types of every row of a page whose record header can be read.

    Cheap: no value is decoded, and no chain followed but for a header that goes on in one; so a row
    may turn out to be broken later.
    """
    data = image.page(leaf.page)
    if data is None:
        return
    found, carved = _places(image, leaf, data)
    for slot, place in enumerate([*found, *carved]):
        if place.why is not None:
            continue
        record = data[place.at : place.at + place.local]
        try:
            if place.local < place.size and varint(record, 0)[0] > place.local:
                payload = _payload(image, data, place, owner_of(leaf.page, slot))
                record = b"" if isinstance(payload, Broken) else payload.data
            yield Shape(slot, place.rowid, read_header(record, 0).types)
        except (NoRecord, IndexError):
            continue


def _some(
    image: PageImage, data: bytes, place: Place, wanted: Collection[int]
) -> tuple[Value, ...] | None:
    """Return the wanted values where they lie on the page itself, else None."""
    record = data[place.at : place.at + place.local]
    try:
        header = read_header(record, 0)
    except NoRecord:
        return None
    if end_of(header, wanted) > place.local or header.size + header.body != place.size:
        return None
    return decode_some(record, header, wanted, image.encoding)


def _payload(image: PageImage, data: bytes, place: Place, owner: int) -> Chain | Broken:
    """Return a record that goes on beyond its page, whole."""
    end = place.at + place.local
    first = int.from_bytes(data[end : end + CHILD], "big")
    rest = read_chain(image, first, place.size - place.local, owner)
    if isinstance(rest, Broken):
        return rest
    zeroed = rest.zeroed and (rest.zeroed[0] + place.local, rest.zeroed[1] + place.local)
    return rest._replace(data=data[place.at : end] + rest.data, zeroed=zeroed)


def _is_lost(record: bytes, begin: int, end: int) -> bool:
    """Whether a stretch of NUL in a record is a page that was lost: more than a number's zeros, and
    not within a BLOB, which may be of zeros."""
    if end - begin < _ZEROS_OF_NUMBERS:
        return False
    at, types, _ = read_header(record, 0)
    for kind in types:
        size = body_size((kind,))
        if at <= begin and end <= at + size:
            return bool(kind & 1)
        at += size
    return True
