"""A damaged database as pages: the main file with its -wal and rollback journal laid over.

Nothing is held in memory but where each page lies: pages are read with ``pread`` when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from hermes_repair.salvage.bundle import Bundle


class Encoding(Enum):
    """How a database stores text; the value is Python's name of it."""

    UTF8 = "utf-8"
    UTF16LE = "utf-16-le"
    UTF16BE = "utf-16-be"


class Origin(Enum):
    """Which file the image of a page is taken from."""

    MAIN = "main"
    WAL = "wal"
    JOURNAL = "journal"
    ABSENT = "absent"


class Fact(Enum):
    """What was met while the bundle was put together; ``Note.count`` says how often."""

    PAGE_ONE_UNREAD = "page 1 is no header: page size and encoding were deduced"
    MAIN_CUT = "the main file ends within a page"
    MAIN_SHORT = "the main file has fewer pages than page 1 or the last commit says"
    WAL_APPLIED = "frames of committed transactions were laid over the main file"
    WAL_UNREADABLE = "the -wal has no frame that can be told to be one"
    WAL_HEADER_LOST = "the header of the -wal is damaged: its values were taken from its frames"
    WAL_FRAME_TORN = "a frame fails its checksum and was left out; its page may be stale"
    WAL_FRAME_LOST = "a frame's header is gone: which page it was for is not known"
    WAL_UNCOMMITTED = "frames after the last commit were left out"
    WAL_EARLIER = "frames of an earlier generation of the -wal were left out"
    WAL_UNPROVEN = "a frame follows one whose header is gone: taken, but no checksum proves it"
    JOURNAL_APPLIED = "pages of the hot journal were put back"
    JOURNAL_RECORD_TORN = (
        "a record of the journal fails its checksum: its page is of a cut-off write"
    )
    JOURNAL_NOT_HOT = "the journal has no header: its transaction had ended"


@dataclass(frozen=True, slots=True)
class Note:
    """One fact and how often it was met."""

    fact: Fact
    count: int = 1


class PageImage:
    """The pages of a bundle, numbered from 1 as SQLite does.

    ``page_size`` and ``usable`` (without the reserved end) in bytes. ``page_count``: how many pages
    the database has by its last commit; without one that can be trusted, as many as there are.
    ``auto_vacuum``: whether it has pointer-map pages. ``page_one``: whether page 1 has a header;
    otherwise size and encoding are deduced. ``stale``: pages whose later image is known to be lost,
    so that what is read is of an earlier moment (or, where a journal's record was lost, of a write
    that was cut off). ``unproven``: pages whose image no checksum proves although one should.
    """

    page_size: int
    usable: int
    encoding: Encoding
    page_count: int
    auto_vacuum: bool
    page_one: bool
    stale: frozenset[int]
    unproven: frozenset[int]
    notes: tuple[Note, ...]

    def page(self, number: int) -> bytes | None:
        """Return the bytes of a page; None where there is none, fewer than a page at a cut end.

        Raises ``OSError`` where the disk does not give what it holds.
        """
        raise NotImplementedError

    def pages(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield every page with its number, in file order, as :meth:`page` returns it."""
        raise NotImplementedError

    def origin(self, number: int) -> Origin:
        """Return which file a page is read from."""
        raise NotImplementedError


@contextmanager
def open_image(bundle: Bundle) -> Iterator[PageImage]:
    """Open a bundle as pages.

    Raises :class:`~hermes_repair.salvage.bundle.NoPages` where there is none, ``OSError`` for a
    file that is there and may not be read.
    """
    raise NotImplementedError
