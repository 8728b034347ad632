"""Which pages are free, with page 1 or without it.

A free page that no trunk lists keeps its content (unless SQLite was built with secure_delete, as on
Debian), so that deleted rows look alive: what the trunks list has to be left out. Without page 1,
or where its chain is broken, trunks are known by their shape.
(Layout: https://sqlite.org/fileformat2.html#the_freelist)
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import NamedTuple

from hermes_repair.salvage.page_image import PageImage

_HEAD = struct.Struct(">II")


class Freelist(NamedTuple):
    """The trunks that were found and the pages that they list.

    ``sure``: page 1 leads to all of them, and they are as many as it says.
    """

    trunks: frozenset[int]
    listed: frozenset[int]
    sure: bool


def may_be_trunk(data: bytes, usable: int, pages: int) -> bool:
    """Whether a page has the shape of a trunk: the next one, a count, and that many pages."""
    if len(data) < usable:
        return False
    following, count = _HEAD.unpack_from(data)
    if not 0 < count <= usable // 4 - 2 or following > pages:
        return False
    listed = struct.unpack_from(f">{count}I", data, _HEAD.size)
    in_file: bool = min(listed) > 1 and max(listed) <= pages
    return in_file and len({following, *listed}) == count + 1


def read_freelist(image: PageImage, candidates: Collection[int]) -> Freelist:
    """Return the freelist of page 1, and where that does not add up all ``candidates`` too.

    ``candidates`` are the pages that :func:`may_be_trunk`.
    """
    trunks: set[int] = set()
    listed: set[int] = set()

    def follow(page: int) -> bool:
        """Take a chain of trunks; False where it breaks off."""
        while page and page not in trunks:
            data = image.page(page)
            if data is None or len(data) < image.usable or page == 1:
                return False
            following, count = _HEAD.unpack_from(data)
            if count > image.usable // 4 - 2 or following > image.page_count:
                return False
            pages = struct.unpack_from(f">{count}I", data, _HEAD.size)
            if count and not (min(pages) > 1 and max(pages) <= image.page_count):
                return False
            trunks.add(page)
            listed.update(pages)
            page = following
        return not page

    header = image.header
    whole = header is not None and follow(header.trunk)
    sure = whole and header is not None and len(trunks) + len(listed) == header.free
    if not sure:
        for page in candidates:
            follow(page)
    return Freelist(frozenset(trunks), frozenset(listed - trunks), sure)
