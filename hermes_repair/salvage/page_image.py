"""A damaged database as pages: the main file with its -wal and rollback journal laid over.

Nothing is held in memory but where each page lies: pages are read with ``pread`` when asked for.
(``mmap`` would count as memory of ours, and a file that is cut meanwhile would kill the process.)
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import Enum
from pathlib import Path

from hermes_repair.host.regular_files import open_regular
from hermes_repair.salvage.btree_page import is_sound, read_page_header
from hermes_repair.salvage.bundle import Bundle, NoPages
from hermes_repair.salvage.cell_places import adds_up
from hermes_repair.salvage.database_header import (
    HEADER_SIZE,
    DatabaseHeader,
    Encoding,
    read_header,
)
from hermes_repair.salvage.frame_mending import Missing, mended
from hermes_repair.salvage.notes import Fact, Note
from hermes_repair.salvage.page_layout import (
    deduce_encoding,
    deduce_page_size,
    looks_like_pointer_map,
)
from hermes_repair.salvage.rollback_journal import JournalImage, read_journal_image
from hermes_repair.salvage.write_ahead_log import WalImage, read_wal_image

_CHUNK = 1 << 20
_SPARE = 1024  # pages beyond the end that a -wal may name without having an image of them
_LOCK_BYTE = 1 << 30
_SHARED = 1 << 63
_MOST_COMMON_SIZE = 4096
_MENDED = 1 << 22  # bytes of torn images that are tried to be mended, some ms for each page


class Origin(Enum):
    """Which file the image of a page is taken from."""

    MAIN = "main"
    WAL = "wal"
    JOURNAL = "journal"
    ABSENT = "absent"


class ChainOwners:
    """Which cell each overflow page belongs to: the first that was read through it.

    A chain that runs into another's is a sign of damage, and in a hostile file of work without end:
    so many cells could claim one chain. As many pages may be read for a second owner as there are.
    """

    def __init__(self, pages: int) -> None:
        """Begin with nothing owned."""
        self._left = pages
        self._pages = pages
        self._owners: array[int] | None = None

    @property
    def exhausted(self) -> bool:
        """Whether no more pages may be read for a second owner."""
        return self._left <= 0

    def __contains__(self, page: object) -> bool:
        return self._owners is not None and isinstance(page, int) and bool(self._owners[page])

    def take(self, page: int, owner: int) -> bool:
        """Note that a cell is read through a page; False where another was or will be too."""
        if self._owners is None:
            self._owners = array("Q", bytes(8 * (self._pages + 1)))
        before = self._owners[page]
        if before == owner:
            return True
        if before:
            self._left -= before | _SHARED != owner | _SHARED
            self._owners[page] = before | _SHARED
            return False
        self._owners[page] = owner
        return True


class PageImage:
    """The pages of a bundle, numbered from 1 as SQLite does.

    ``page_size`` and ``usable`` (without the reserved end) in bytes. ``page_count``: how many pages
    the database has by the last commit of the -wal or by the journal; without these, as many as
    the file has. ``header`` is what page 1 says; None where it says nothing: size and encoding are
    then deduced. ``auto_vacuum``: whether there are pointer-map pages. ``stale``: pages whose later
    image is known to be lost, so that what is read is of an earlier moment (or, where a record of
    the journal was lost, of a write that was cut off). ``unproven``: pages whose image should be
    proven by a checksum of the -wal and is not. ``torn_alone``: stale pages of which no file has an
    earlier image of a b-tree, so that what the torn one still says is all there is.
    """

    def __init__(
        self,
        main: int | None,
        wal: tuple[int, WalImage] | None,
        journal: tuple[int, JournalImage] | None,
        facts: Counter[Fact],
    ) -> None:
        """Lay the files over each other, given as open descriptors with what was read of them."""
        self._main = main
        self._main_size = os.fstat(main).st_size if main is not None else 0
        self._overlay: dict[int, tuple[int, int]] = {}
        self._journal = journal[0] if journal else None
        self.stale: frozenset[int] = frozenset()
        self.unproven: frozenset[int] = frozenset()
        self.torn_alone: frozenset[int] = frozenset()
        self._mended: dict[int, bytes] = {}
        self._facts = facts
        # Where in the -wal an image was lost of which not even the page is known, 0 for nowhere: it
        # may be of any page whose own image does not come after it.
        self._lost_at = min(facts[Fact.WAL_UNREADABLE], 1)
        pages: int | None = None
        if journal is not None:
            descriptor, put_back = journal
            pages = put_back.pages
            self._overlay = {page: (descriptor, at) for page, at in put_back.originals.items()}
            self.stale = put_back.torn
            self._lost_at = max(self._lost_at, min(facts[Fact.JOURNAL_CUT], 1))
        if wal is not None:
            descriptor, laid = wal
            pages = laid.pages if laid.pages is not None else pages
            self._overlay |= {page: (descriptor, at) for page, at in laid.frames.items()}
            self.stale = self.stale - laid.frames.keys() | laid.stale
            self.unproven = laid.unproven
            self._lost_at = max(self._lost_at, laid.lost_at)
        put = journal[1].page_size if journal is not None else None
        self._settle_size(wal[1].page_size if put is None and wal and wal[1].frames else put)
        there = -(-self._main_size // self.page_size)
        torn = wal[1].torn if wal is not None else {}
        most = there + 2 * (len(self._overlay) + len(torn)) + _SPARE
        self._overlay = {page: at for page, at in self._overlay.items() if page <= most}
        self.page_count = max([there, *self._overlay]) if pages is None else min(pages, most)
        self.owners = ChainOwners(self.page_count)
        self._torn = {page: (wal[0], at) for page, (at, _) in torn.items()} if wal else {}
        self._mend({page: missing for page, (_, missing) in torn.items()})
        self.torn_alone = frozenset(page for page in self._torn if self._is_alone(page))
        self._overlay |= {page: self._torn[page] for page in self.torn_alone}
        self._settle_content()
        self._note_length(pages)

    page_size: int
    usable: int
    encoding: Encoding
    auto_vacuum: bool
    header: DatabaseHeader | None

    @property
    def notes(self) -> tuple[Note, ...]:
        """Return what was met while the files were put together."""
        return tuple(Note(fact, count) for fact, count in self._facts.items() if count)

    @property
    def lock_page(self) -> int:
        """Return the number of the page at 1 GiB, which SQLite never uses."""
        return _LOCK_BYTE // self.page_size + 1

    def page(self, number: int) -> bytes | None:
        """Return the bytes of a page; None where there is none, fewer than a page at a cut end.

        Raises ``OSError`` where the disk does not give what it holds.
        """
        if not 0 < number <= self.page_count:
            return None
        place = self._overlay.get(number)
        if place is not None:
            if number in self._mended:
                return self._mended[number]
            return os.pread(place[0], self.page_size, place[1]) or None
        if self._main is None:
            return None
        return os.pread(self._main, self.page_size, (number - 1) * self.page_size) or None

    def torn(self, number: int) -> bytes | None:
        """Return the last image of a stale page, which fails its checksum; None where none is."""
        place = self._torn.get(number)
        return os.pread(place[0], self.page_size, place[1]) if place is not None else None

    def pages(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield every page with its number, in file order, as :meth:`page` returns it."""
        size, overlay = self.page_size, self._overlay
        many = max(_CHUNK // size, 1)
        for first in range(1, self.page_count + 1, many):
            chunk = b""
            if self._main is not None:
                chunk = os.pread(self._main, many * size, (first - 1) * size)
            for number in range(first, min(first + many, self.page_count + 1)):
                if number in overlay:
                    yield number, self.page(number)
                else:
                    at = (number - first) * size
                    yield number, chunk[at : at + size] or None

    def origin(self, number: int) -> Origin:
        """Return which file a page is read from."""
        place = self._overlay.get(number)
        if place is not None and number <= self.page_count:
            return Origin.JOURNAL if place[0] == self._journal else Origin.WAL
        here = 0 < number <= self.page_count and (number - 1) * self.page_size < self._main_size
        return Origin.MAIN if here else Origin.ABSENT

    @property
    def lost_unnamed(self) -> bool:
        """Whether an image was lost of which not even the page is known."""
        return self._lost_at > 0

    @property
    def images_lost(self) -> int:
        """How many images were lost of which not even the page is known, beside a whole -wal.

        Without that all pages are of one moment.
        """
        return self._facts[Fact.WAL_FRAME_LOST]

    def may_be_older(self, number: int) -> bool:
        """Whether a later image of a page was lost, or one that may have been of any page."""
        file, at = self._overlay.get(number, (None, 0))
        in_wal = file not in (None, self._journal)
        return number in self.stale or (self._lost_at > 0 and not (in_wal and at > self._lost_at))

    @property
    def journal_cut(self) -> bool:
        """Whether any page may be of the write that was cut off: the journal does not have all."""
        return self._facts[Fact.JOURNAL_CUT] > 0

    def _mend(self, torn: Mapping[int, Missing]) -> None:
        """Mend the torn images that an earlier one or a single word mends, and lay them over."""
        for page, missing in list(torn.items())[: _MENDED // self.page_size]:
            data, before = self.torn(page), self.page(page)
            others = (bytes(self.page_size), *([before] if before is not None else []))
            image = mended(data, missing, others) if data is not None else None
            if image is not None:
                self._mended[page] = image
                self._overlay[page] = self._torn.pop(page)
        self.stale -= self._mended.keys()
        if self._mended:
            self._facts[Fact.WAL_FRAME_MENDED] = len(self._mended)
            self._facts[Fact.WAL_FRAME_TORN] -= len(self._mended)

    def _is_alone(self, number: int) -> bool:
        """Whether the torn image of a page is of a b-tree, and none before it is."""
        before = self.page(number)
        if before is None or not any(before):
            return self.torn(number) is not None
        return self._is_btree(number, self.torn(number)) and not self._is_btree(number, before)

    def _is_btree(self, number: int, data: bytes | None) -> bool:
        header = read_page_header(data, number, self.usable) if data is not None else None
        return header is not None and is_sound(header, self.usable)

    def _settle_size(self, told: int | None) -> None:
        """Find the page size: by page 1, else by a side file or by deduction."""
        place = self._overlay.get(1)
        if place is not None:
            first = os.pread(place[0], HEADER_SIZE, place[1])
        else:
            first = os.pread(self._main, HEADER_SIZE, 0) if self._main is not None else b""
        header = read_header(first)
        if header is not None and told not in (None, header.page_size):
            header = None  # a side file has other pages: then page 1 is the one that is wrong
        if header is not None and told is None and not self._adds_up(header):
            told = deduce_page_size(self._main, self._main_size) if self._main is not None else None
            header = self._unless_contradicted(header, told)
        elif header is None and told is None and self._main is not None:
            told = deduce_page_size(self._main, self._main_size)
        self.header = header
        self.page_size = header.page_size if header is not None else told or _MOST_COMMON_SIZE
        self.usable = header.usable if header is not None else self.page_size

    def _adds_up(self, header: DatabaseHeader) -> bool:
        """Whether page 1 fills to the byte under the size that it tells, as sound pages do."""
        descriptor, at = self._overlay.get(1, (self._main, 0))
        data = os.pread(descriptor, header.page_size, at) if descriptor is not None else b""
        page = read_page_header(data, 1, header.usable)
        return page is not None and adds_up(data, page, header.usable)

    def _unless_contradicted(
        self, header: DatabaseHeader, deduced: int | None
    ) -> DatabaseHeader | None:
        """Return the header of a page that does not add up, as far as other pages allow it."""
        if deduced is None or (deduced == header.page_size == header.usable):
            return header
        self._facts[Fact.PAGE_ONE_CONTRADICTED] = 1
        same = deduced == header.page_size
        return replace(header, usable=deduced) if same else None

    def _settle_content(self) -> None:
        """Find encoding and auto-vacuum: by page 1, else by what the pages hold."""
        header = self.header
        told = header.encoding if header is not None else None
        pages = (data for _, data in self.pages() if data is not None)
        self.encoding = deduce_encoding(pages, self.usable, told)
        if told not in (None, self.encoding):
            self._facts[Fact.PAGE_ONE_CONTRADICTED] = 1
        if header is None:
            self.auto_vacuum = looks_like_pointer_map(self.page(2), self.page_count)
            return
        second = self.page(2) or b""
        page = read_page_header(second, 2, self.usable)
        contradicted = page is not None and adds_up(second, page, self.usable)
        self.auto_vacuum = header.auto_vacuum and not contradicted

    def _note_length(self, pages: int | None) -> None:
        expected = pages
        if expected is None and self.header is not None:
            expected = self.header.pages
        whole, rest = divmod(self._main_size, self.page_size)
        if rest:
            self._facts[Fact.MAIN_CUT] = 1
        expected = expected or 0
        beyond = sum(whole < number <= expected for number in self._overlay)
        if expected > whole + beyond:
            self._facts[Fact.MAIN_SHORT] = expected - whole - beyond
        if self.header is None:
            self._facts[Fact.PAGE_ONE_UNREAD] = 1


@contextmanager
def open_image(bundle: Bundle) -> Iterator[PageImage]:
    """Open a bundle as pages.

    Raises :class:`~hermes_repair.salvage.bundle.NoPages` where there is none, ``OSError`` for a
    file that is there and may not be read.
    """
    facts: Counter[Fact] = Counter()
    with ExitStack() as files:
        main = _opened(bundle.main, files)
        journal_file = _opened(bundle.journal, files)
        wal_file = _opened(bundle.wal, files)
        journal = read_journal_image(journal_file) if journal_file is not None else None
        wal = read_wal_image(wal_file) if wal_file is not None else None
        if journal_file is not None and journal is None:
            facts[Fact.JOURNAL_NOT_HOT] = 1
        if wal_file is not None and wal is None:
            facts[Fact.WAL_UNREADABLE] = 1
        if (
            main is not None
            and journal_file is not None
            and journal is not None
            and _contradicts(main, journal_file, journal)
        ):
            journal = None
            facts[Fact.JOURNAL_OF_ANOTHER] = 1
        for part in (journal, wal):
            if part is not None:
                facts += part.facts
        if main is None and journal is None and wal is None:
            raise NoPages("There is no page of a database to read.")
        yield PageImage(
            main,
            (wal_file, wal) if wal_file is not None and wal is not None else None,
            (journal_file, journal) if journal_file is not None and journal is not None else None,
            facts,
        )


def _contradicts(main: int, descriptor: int, journal: JournalImage) -> bool:
    """Whether a journal was not written for this state of the file, by what both say of page 1.

    SQLite counts a transaction up once, in the first page, and writes no page 1 without that. So
    the file has the page that its journal has, or counts one more. Nothing is said of a file whose
    own header does not agree with itself.
    """
    at = journal.originals.get(1)
    if at is None:
        return False
    first, second = os.pread(descriptor, HEADER_SIZE, at), os.pread(main, HEADER_SIZE, 0)
    before, now = read_header(first), read_header(second)
    if before is None or now is None or now.pages is None:
        return False
    return first != second and now.changes != (before.changes + 1) % (1 << 32)


def _opened(path: Path | None, files: ExitStack) -> int | None:
    """Open a file for ``pread``; None for one that is not there or is empty."""
    if path is None:
        return None
    try:
        descriptor = files.enter_context(open_regular(path)).fileno()
    except FileNotFoundError:
        return None
    return descriptor if os.fstat(descriptor).st_size else None
