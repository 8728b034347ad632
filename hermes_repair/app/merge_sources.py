"""What a source of a merge is: a home, a database, a captured WAL, an export; each told by itself.

Nothing of a source is changed. What is read is a private copy that is whole, sound and at the
schema of the home (:mod:`.source_copies`), and lives as long as the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.file_status import FileStatus
from hermes_repair.home.layout import DATABASE, Home
from hermes_repair.host import RawFacts
from hermes_repair.host.regular_files import open_regular, real_path
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused, UsageError
from hermes_repair.model.receipt_history import ReceiptHistory

CAPTURE = ".retired-wal-"
"""What Hermes (0.20 on) puts into the name of a folder where it keeps a -wal that was taken from
under a process, with a copy of state.db of that moment or only its first bytes (#110054)."""
WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_JSON = (b"{", b"[")
_HEAD = 100
NOT_A_SOURCE = advice(
    "Name a Hermes folder, a state.db or a copy of one, a captured -wal or an export;"
    " `{}` shows the copies that are known here.",
    command("copies"),
)


class SourceKind(Enum):
    """What a source is, in the words of a reader."""

    HOME = "home"
    DATABASE = "database"
    CAPTURE = "captured -wal"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source lies: as the user named it, and the files that are read.

    ``main`` is None where there is only a -wal; ``file`` is that, or an export. ``routing`` is the
    ``sessions.json`` of a home. ``status`` says what is there and who has it open. ``alike`` counts
    other files with the same bytes that were named too.
    """

    named: str
    kind: SourceKind
    status: FileStatus
    main: Path | None = None
    file: Path | None = None
    home: Path | None = None
    alike: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A source that was opened, at the schema of the home: its private copy, or for a preview the
    database itself.

    ``named`` is the path that the user named, ``name`` that with what is read of it where it gives
    two sources. ``started`` is its own schema number. ``partial``:
    rows may be missing from it (salvaged, a -wal alone, an export), so that what it lacks says
    nothing. ``capture``: it is the pages of a -wal alone; ``made`` are its sessions whose own row
    is on none of its pages. ``history`` is what receipts say of it, None where they
    are not at hand. ``notes`` are sentences about what was left out and why.
    """

    named: str
    name: str
    kind: SourceKind
    database: Path
    started: int
    partial: bool = False
    capture: bool = False
    made: frozenset[str] = frozenset()
    history: ReceiptHistory | None = None
    notes: tuple[str, ...] = ()


def find_sources(home: Home, named: Sequence[Path]) -> list[Place]:
    """Return the sources that these paths name, each once.

    Raises :class:`UsageError` for a path that is not there or that is the home itself, and
    :class:`Refused` for what may not be read or is no source.
    """
    own = file_identity(home.database)
    places: dict[tuple[int, int] | str, Place] = {}
    for path in named:
        for place in _places(path):
            read = place.main or place.file
            who = (file_identity(read) if read is not None else None) or place.named
            if who == own and own is not None:
                raise UsageError(
                    f"{path} is the database of this home itself.",
                    "Name a copy of it, or another home.",
                )
            places.setdefault(who, place)
    return list(places.values())


def lies_still(place: Place) -> bool:
    """Whether nobody wrote to the database of a source, or opened it, since it was found."""
    status = _status(place.main) if place.main is not None else place.status
    return status.marks == place.status.marks and status.at_rest


def is_export(path: Path) -> bool:
    """Whether a file is, by how it begins, an export of Hermes'; none that cannot be read is."""
    try:
        with open_regular(path) as file:
            return file.read(_HEAD).lstrip()[:1] in _JSON
    except OSError:
        return False


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other, whatever link leads to it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _places(path: Path) -> Iterator[Place]:
    try:
        real = real_path(path)
        is_folder = real.is_dir()
        real.stat()
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist.", NOT_A_SOURCE) from error
    except OSError as error:
        raise _closed(path) from error
    if is_folder:
        yield from _in_folder(path, real)
    else:
        yield _file(str(path), real)


def _in_folder(named: Path, folder: Path) -> Iterator[Place]:
    """Yield what a folder has: the database of a home, or a -wal that Hermes captured."""
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise _closed(named) from error
    captured = CAPTURE in folder.name
    if DATABASE in names:
        database = real_path(folder / DATABASE)
        kind = SourceKind.CAPTURE if captured else SourceKind.HOME
        yield replace(_file(str(named), database), kind=kind, home=None if captured else folder)
        return
    wal = f"{DATABASE}-wal"
    if captured and wal in names:
        yield _file(str(named), real_path(folder / wal))
        return
    raise Refused(f"{named} has no state.db.", NOT_A_SOURCE)


def _file(named: str, path: Path) -> Place:
    status = _status(path)
    head = status.facts.main.head
    if head[:4] in WAL_MAGIC:
        return Place(named, SourceKind.CAPTURE, status, file=path)
    if head.lstrip()[:1] in _JSON:
        return Place(named, SourceKind.EXPORT, status, file=path)
    if not status.sides.main and status.sides.wal:
        return Place(named, SourceKind.CAPTURE, status, file=status.facts.wal.path)
    if not head:
        raise Refused(f"{named} is empty (0 bytes).", NOT_A_SOURCE)
    return Place(named, SourceKind.DATABASE, status, path)


def _status(path: Path) -> FileStatus:
    facts, openers = host.survey(path)
    _require_readable(facts)
    return FileStatus(facts, openers)


def _require_readable(facts: RawFacts) -> None:
    for file in (facts.main, facts.wal, facts.journal):
        if file.errno is not None:
            raise _closed(file.path)
    if facts.main.kind == "other":
        raise Refused(f"{facts.main.path} is not a regular file.", NOT_A_SOURCE)


def _closed(path: Path) -> Refused:
    return Refused(
        f"This user may not read {path}.",
        "Nothing was changed. Run this as its owner, or name a copy that you may read.",
    )
