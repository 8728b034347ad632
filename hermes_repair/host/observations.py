"""What the host room answers with: frozen values, no handles, no live objects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hermes_repair.model.words import minute

HEADER_BYTES = 100  # of a SQLite database


class Program(Enum):
    """What a command line says that a process is."""

    GATEWAY = "gateway"
    HERMES = "hermes"
    HERMES_REPAIR = "hermes-repair"
    BYTE_READER = "byte-reader"  # our own worker: reads files, never opens SQLite
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One process, as far as this process may know it.

    ``start_time`` is epoch seconds by the present clock; what was stamped before the clock was set
    may disagree by up to ``start_tolerance`` seconds. ``start_ticks`` is the number that Hermes
    0.19 stores as ``owner_started_at``: clock ticks since boot on Linux (field 22 of
    ``/proc/PID/stat``), hundredths of epoch seconds elsewhere. ``command`` is short, escaped and
    free of arguments that could be conversation text (R9). ``same_namespace`` is False where the
    pid is counted in another PID namespace (a container) or cannot be seen from here; a process
    that cannot be seen at all has pid 0. ``deleted`` names files of the database (its rollback
    journal aside) that the process still has open although they were deleted or replaced.
    ``interpreter`` is the absolute path of the Python that runs it as its command line names it,
    links not followed (the python of an environment is a link out of it); empty where it is not
    told.
    """

    pid: int
    start_time: float | None = None
    start_tolerance: float = 0.0
    start_ticks: int | None = None
    command: str = ""
    program: Program = Program.OTHER
    profile: str | None = None
    same_namespace: bool = True
    zombie: bool = False
    deleted: tuple[str, ...] = ()
    interpreter: str = ""

    @property
    def is_hermes(self) -> bool:
        """Whether the command line is one of Hermes' own programs."""
        return self.program in (Program.GATEWAY, Program.HERMES)

    def describe(self) -> str:
        """Return what a person needs to find this process: what it is, its pid, since when."""
        if self.pid <= 0:
            return "a process in another container or PID namespace"
        name = {
            Program.GATEWAY: "the Hermes gateway",
            Program.HERMES: "Hermes",
            Program.HERMES_REPAIR: "another hermes-repair",
            Program.BYTE_READER: "another hermes-repair",
            Program.OTHER: "process",
        }[self.program]
        parts = [f"pid {self.pid}" if self.program is not Program.OTHER else ""]
        parts.append(f"`{self.command}`" if self.command else "")
        if self.start_time is not None:
            parts.append(f"since {minute(self.start_time)}")
        parts.append("" if self.same_namespace else "in another container or PID namespace")
        label = f"{name} {self.pid}" if self.program is Program.OTHER else name
        detail = ", ".join(part for part in parts if part)
        return f"{label} ({detail})" if detail else label

    def how_to_stop(self) -> str:
        """Return what a person does to make this process let go of the database."""
        inside = "" if self.same_namespace else "in its container, "
        match self.program:
            case Program.GATEWAY:
                profile = f" --profile {self.profile}" if self.profile else ""
                return f"{inside}run `hermes{profile} gateway stop`"
            case Program.HERMES:
                return f"{inside}quit that Hermes; if it is the gateway, run `hermes gateway stop`"
            case Program.HERMES_REPAIR | Program.BYTE_READER:
                return "wait until it has finished"
            case Program.OTHER:
                return f"{inside}close that program" if self.pid > 0 else "stop Hermes there"


class OpenStatus(Enum):
    """Whether anybody else has a database open. UNKNOWN counts as open."""

    NOBODY = "nobody"
    SOMEBODY = "somebody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Openers:
    """Who has a database open, besides this process.

    ``complete`` says that ``processes`` is proven to be the whole list. ``reasons`` are sentences:
    why the list may not be complete and how to find out.
    """

    status: OpenStatus
    processes: tuple[ProcessInfo, ...] = ()
    complete: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def nobody(self) -> bool:
        """Whether it is proven that no other process has the database open."""
        return self.status is OpenStatus.NOBODY

    def who(self) -> str:
        """Return who has it open, of the processes that were seen; there must be one."""
        first, more = self.processes[0].describe(), len(self.processes) - 1
        others = f" and {more} more have" if more else " has"
        return f"{first[0].upper()}{first[1:]}{others} the database open"

    def describe(self) -> str:
        """Return one line that names who it is and what to do about it."""
        if self.processes:
            return f"{self.who()}; {self.processes[0].how_to_stop()}"
        if self.status is OpenStatus.UNKNOWN:
            return "It is not known who has the database open: " + "; ".join(self.reasons)
        return "Nobody has the database open"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one stat and one short read say of a file.

    ``kind`` is ``file`` (regular), ``link``, ``other`` (folder, socket, ...), ``absent`` or
    ``unknown`` (the path may not be walked). ``errno`` says why it could not be looked at or read.
    ``head`` is the first 100 bytes of a database and the first 32 of a sidecar.
    """

    path: Path
    kind: str
    size: int = 0
    mtime_ns: int = 0
    device: int = 0
    inode: int = 0
    mode: int = 0
    uid: int = -1
    gid: int = -1
    links: int = 0
    head: bytes = b""
    errno: int | None = None

    @property
    def exists(self) -> bool:
        return self.kind in ("file", "link", "other")


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A process that holds one of SQLite's locks; ``pid`` is 0 or less where it cannot be named.

    ``file`` is ``main`` or ``shm``.
    """

    file: str
    pid: int


@dataclass(frozen=True, slots=True)
class RawFacts:
    """A database as bytes, seen by a process that never opens SQLite.

    ``real`` is the path with links resolved: SQLite keeps the sidecars beside that one.
    ``holders`` has one holder per range of lock bytes, not all of them: the kernel names only the
    first. ``locks_known`` is False where locks could not be asked for.
    """

    real: Path
    main: FileFacts
    wal: FileFacts
    shm: FileFacts
    journal: FileFacts
    holders: tuple[LockHolder, ...]
    locks_known: bool

    @property
    def is_sqlite(self) -> bool:
        """Whether the file begins like a SQLite database."""
        return len(self.main.head) >= HEADER_BYTES and self.main.head.startswith(
            b"SQLite format 3\0"
        )

    @property
    def wal_mode(self) -> bool:
        """Whether the header asks for WAL (bytes 18 and 19 are 2)."""
        return self.is_sqlite and self.main.head[18:20] == b"\x02\x02"

    @property
    def sidecars(self) -> tuple[FileFacts, FileFacts, FileFacts]:
        return self.wal, self.shm, self.journal


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Who shows a database open under /proc (Linux).

    ``open`` is (pid, suffix, deleted) per file: suffix ``""`` for the main file, ``-wal``,
    ``-shm`` or ``-journal``; deleted where the process holds one that is gone from its place.
    ``denied`` are the processes whose descriptors may not be read. ``lock_lines`` are the lines of
    /proc/locks with an inode of ours, None without that file. ``known`` is False without /proc.
    """

    known: bool
    open: tuple[tuple[int, str, bool], ...]
    denied: tuple[int, ...]
    lock_lines: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class PageOne:
    """The first 100 bytes of a database."""

    head: bytes

    @property
    def known(self) -> bool:
        """Whether it begins like a SQLite database, and its numbers count.

        Bytes 92 to 95 repeat the counter; a SQLite older than 3.7 leaves them and the size behind.
        """
        return _is_sqlite(self.head) and self.head[24:28] == self.head[92:96]

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

    Nothing in a -wal names its database, and a delete that was never checkpointed looks like a -wal
    of another day. But SQLite counts: a commit that changes the number of pages, the list of free
    ones or the schema writes page 1, and in it a counter that never goes down (bytes 24 to 27) and
    the number of pages (28 to 31). In WAL mode a connection adds one to the counter that it has
    read, so several commits may share one. A main file that nobody wrote to since is either what
    the -wal began with, or a page 1 of the -wal was taken into it.

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
            sizes = f"{self.sizes[0]:,} pages, and state.db has {self.main.pages:,}"
            return f"it was written to a database of {sizes}"
        return None


def _is_sqlite(head: bytes) -> bool:
    return len(head) >= HEADER_BYTES and head.startswith(b"SQLite format 3\0")
