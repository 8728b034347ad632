"""Opening a copy of a database so that nothing changes where it lies, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hermes_repair import host
from hermes_repair.home.layout import DATABASE
from hermes_repair.home.other_databases import CopyKind, DatabaseCopy
from hermes_repair.host.regular_files import CLOSED_TO_OWNER, is_closed_to_owner, open_regular
from hermes_repair.model.errors import DatabaseUnreadable, HermesRepairError, Refused
from hermes_repair.model.values import number, whole
from hermes_repair.schema.recognise import holds_conversations, recognise
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.file_state import (
    IN_QUESTION,
    Sides,
    at_rest,
    beside_others,
    main_alone,
)
from hermes_repair.store.look import Look
from hermes_repair.store.private_copies import copy_private, scratch

_HEADER = 100
_MAGIC = b"SQLite format 3\0"
_CHUNK = 1 << 20


class NoCopy(HermesRepairError):
    """What lies there is no database that could be read: ``message`` says what it is instead."""


Surveyed = tuple[host.RawFacts, host.Openers]
"""What :func:`hermes_repair.host.survey` said of a database, at some moment of this look."""


@contextmanager
def look_at(copy: DatabaseCopy, surveyed: Surveyed | None = None) -> Iterator[Look | None]:
    """Open another database, beside its own gateway as one more reader; None where in doubt.

    Of a copy the main file alone is read, whatever lies beside it; see :func:`open_copy`.
    ``surveyed`` saves asking who has it open, as long as its files are as they were then.
    """
    if copy.kind.in_use:
        if surveyed is None or not as_surveyed(surveyed):
            surveyed = host.survey(copy.path)
        facts, openers = surveyed
        if openers.processes and not any(process.deleted for process in openers.processes):
            with beside_others(copy.path, wal_mode=facts.wal_mode, check_file=False) as (look, _):
                yield look
            return
        if not openers.nobody:
            yield None
            return
    with main_alone(copy.path, malformed=True) as look:
        yield look


def as_surveyed(surveyed: Surveyed) -> bool:
    """Whether the files of a database are as they were, and who had it open has not ended."""
    facts, openers = surveyed
    return all(
        _marks(file.path) == ((file.inode, file.size, file.mtime_ns) if file.exists else None)
        for file in (facts.main, *facts.sidecars)
    ) and all(
        (now := host.process(then.pid)) is not None and now.start_ticks == then.start_ticks
        for then in openers.processes
    )


def _marks(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def open_copy(copy: DatabaseCopy, most: int | None = None) -> Iterator[Look]:
    """Open a copy with the -wal or -journal that lies beside it, if that belongs to it.

    What has such a file is read as a private copy, of at most ``most`` bytes. Raises
    :class:`NoCopy` for what is no database, :class:`DatabaseUnreadable` for one that SQLite cannot
    read, :class:`Refused` for one that may not be read now.
    """
    with ExitStack() as stack:
        if copy.kind is CopyKind.ARCHIVE:
            yield stack.enter_context(_unpacked(copy.path, most))
            return
        if copy.wal_alone:
            raise NoCopy("it has no main file, only a -wal")
        try:
            if is_closed_to_owner(copy.path):
                raise Refused(CLOSED_TO_OWNER)
            sides = sides_of(copy.path)
            # With a -wal, the pages that the main file lacks may be in that.
            if not copy.kind.in_use and not (sides.main and sides.wal):
                require_database(copy.path)
        except OSError as error:
            raise NoCopy(error.strerror or str(error)) from error
        if copy.kind.in_use and host.who_has_open(copy.path).processes:
            look = stack.enter_context(look_at(copy))
            if look is None:
                raise Refused("it is open in another program")
            yield look
        elif not sides.wal and not sides.journal:
            yield stack.enter_context(main_alone(copy.path, malformed=True))
        elif most is not None and sides.main + sides.wal + sides.journal > most:
            raise Refused("it is too large to be copied for a look")
        else:
            opened = at_rest(copy.path, sides, copy_private, check_file=False)
            look, state = stack.enter_context(opened)
            if state.side in IN_QUESTION and copy.kind is CopyKind.CAPTURE:
                raise Refused("its -wal does not go on from the main file beside it")
            yield look


def sides_of(path: Path) -> Sides:
    """Return the sizes of a copy and of what lies beside it; raises ``OSError`` for none."""
    sizes = []
    for suffix in ("", "-wal", "-journal"):
        file = path.with_name(path.name + suffix)
        sizes.append(file.stat().st_size if not suffix or file.is_file() else 0)
    return Sides(*sizes)


def require_database(path: Path) -> None:
    """Raise :class:`NoCopy` for a file that is no whole database by its size and first bytes."""
    with open_regular(path) as file:
        head = file.read(_HEADER)
    size = path.stat().st_size
    if not size:
        raise NoCopy("it is empty (0 bytes)")
    if not head.startswith(_MAGIC):
        raise NoCopy("it is not a SQLite database")
    page = int.from_bytes(head[16:18], "big")
    pages, counted = (int.from_bytes(head[place : place + 4], "big") for place in (28, 92))
    whole_size = pages * (65536 if page == 1 else page)
    # SQLite goes by the number of pages in the header only where the two counters agree.
    if counted == int.from_bytes(head[24:28], "big") and size < whole_size:
        raise NoCopy(f"it is cut off: {size:,} bytes of {whole_size:,}")


@contextmanager
def _unpacked(archive: Path, most: int | None) -> Iterator[Look]:
    """Look at the state.db in a zip that Hermes made."""
    import zipfile  # here: few homes have one

    try:
        with open_regular(archive) as file, zipfile.ZipFile(file) as packed:
            held = [item for item in packed.infolist() if Path(item.filename).name == DATABASE]
            held.sort(key=lambda item: item.filename.count("/"))
            if not held:
                raise NoCopy("it holds no state.db")
            if most is not None and held[0].file_size > most:
                raise Refused("it is too large to be unpacked for a look")
            with scratch(held[0].file_size) as place:
                target = place / DATABASE
                with packed.open(held[0]) as source, target.open("xb") as copy:
                    _copy_at_most(source, copy, held[0].file_size)
                require_database(target)
                with main_alone(target, malformed=True) as look:
                    yield look
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise NoCopy(f"it cannot be unpacked ({error})") from error


def _copy_at_most(source: IO[bytes], target: IO[bytes], size: int) -> None:
    """Copy ``size`` bytes; a zip may say less of a file than it holds."""
    left = size
    while left > 0 and (chunk := source.read(min(left, _CHUNK))):
        target.write(chunk)
        left -= len(chunk)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds. ``highest`` is the highest message id that it ever gave.

    Times are epoch seconds of the first and the last message, None where there is none.
    """

    schema: int | None
    sessions: int
    messages: int
    oldest: float | None
    newest: float | None
    highest: int


def read_contents(look: Look) -> Contents:
    """Return what a database holds; raises :class:`NoCopy` for one that has no conversations."""
    structure = read_structure(look.rows)
    if not holds_conversations(structure):
        raise NoCopy("it has no sessions and messages of Hermes")
    return Contents(
        schema=recognise(structure).number,
        sessions=_count(look, "sessions"),
        messages=_count(look, "messages"),
        oldest=_time(look, "ASC"),
        newest=_time(look, "DESC"),
        highest=highest_id(look),
    )


def highest_id(look: Look) -> int:
    """Return the highest message id that a database ever gave, as far as it says."""
    marks = "SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'messages'"
    row = look.one(marks) if look.has("sqlite_sequence") else None
    last = look.one("SELECT MAX(id) FROM messages")
    return max(whole(row[0]) if row else 0, whole(last[0]) if last else 0)


def _count(look: Look, table: str) -> int:
    row = look.within_limit(lambda asked: asked.one(f"SELECT COUNT(*) FROM {table}"))
    if row is None:
        raise Refused("it is too busy to be read")
    return whole(row[0])


def _time(look: Look, order: str) -> float | None:
    """Return the time of the first or the last message by id."""
    row = look.one(f"SELECT timestamp FROM messages ORDER BY id {order} LIMIT 1")
    return number(row[0]) if row else None


def unreadable_because(error: HermesRepairError | OSError) -> str:
    """Return why a copy could not be read, without a full stop."""
    if isinstance(error, DatabaseUnreadable) and error.damage:
        return error.damage
    return (error.message if isinstance(error, HermesRepairError) else str(error)).rstrip(".")
