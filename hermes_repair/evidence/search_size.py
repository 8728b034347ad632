"""How large a search index is beside what it would be if it were made anew.

FTS5 keeps the entries of deleted messages, and one that cancels each, until it merges the pages
that they lie on, which may be never: an index of which nine tenths were deleted had 8 to 90 times
the bytes of a new one (SQLite 3.40.1). What a new one takes exactly shows only when it is made.
What it takes at most is known (:data:`~hermes_repair.schema.search.FILLED`): no kind of text
exceeded that. Prose, JSON, base64, random words and Chinese took up to 1.4 bytes of index for a
byte of text, and 4.7 by three letters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hermes_repair.evidence.fts5_storage import index_bytes, most_bytes, word_count
from hermes_repair.model.values import whole
from hermes_repair.schema.route_preview import room_to_fill
from hermes_repair.store.look import Look

LEAST = 4 << 20
"""Bytes below which no index is asked: nobody misses the rest on a disk."""


@dataclass(frozen=True, slots=True)
class Bloat:
    """An index of more than twice the bytes that a new one takes at most.

    ``size`` are its bytes, ``at_most`` those of a new one, ``file`` those of the whole database.
    """

    table: str
    size: int
    at_most: int
    file: int


def find_bloat(look: Look, table: str, text: Callable[[], int], least: int = LEAST) -> Bloat | None:
    """Return what an index has too much, None where that is not proven to be worth anything.

    ``text`` gives the bytes of text of all messages (:func:`text_to_index`). It is asked only where
    the index may have too much for a text of so many words, each of a byte at least, and the whole
    index is read for its size only where its leaves may be too many. Raises ``ValueError`` where
    its structure record is damaged.
    """
    most, at_most = most_bytes(look, table), 0
    for least_text in (partial(word_count, look, table), text):
        at_most = room_to_fill(table, least_text()) // 2
        if most - at_most < max(least, at_most):
            return None
    size = index_bytes(look, table)
    if size - at_most < max(least, at_most):
        return None
    row = look.one("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    return Bloat(table, size, at_most, whole(row[0]) if row is not None else 0)
