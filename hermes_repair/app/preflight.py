"""What has to be true before anything is written (design R4), and the safety copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.outside import Outside, from_outside
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import AnotherRun, InUse, Refused
from hermes_repair.records.folder import Folder

OPENERS_EVERY = 0.5  # seconds between two questions who has the database open


def require_alone(home: Home, outside: Outside) -> None:
    """Raise :class:`InUse` naming who has the database open."""
    if not outside.alone:
        raise InUse(
            f"{outside.openers.describe()}.",
            "Nothing was changed. Stop it, then run the same command again.",
        )


def require_writable(home: Home, outside: Outside, folder: Folder, need: int) -> None:
    """Raise :class:`Refused` where state.db or our folder cannot be written, or space is short."""
    place = home.database.parent
    for path in (home.database, place):
        if not host.can_write(path):
            who = folder.owner.user if folder.owner is not None else "its owner"
            raise Refused(
                f"{path} cannot be written by this user.",
                f"Run it as the owner of state.db: sudo -u {who} hermes-repair ...",
            )
    free = host.free_bytes(home.root)
    if free < need:
        raise Refused(
            f"This needs {need:,} bytes on the disk of {home.root}, and {free:,} are free.",
            "Free some space, then run the same command again.",
        )


def require_same_base(home: Home, marks: str) -> None:
    """Raise :class:`Refused` where the files changed after the plan was made."""
    if from_outside(home).marks != marks:
        raise Refused(
            "The database changed after the plan was made.",
            "Nothing was changed. Run the same command again to plan from what is there now.",
        )


def bundle(home: Home, outside: Outside, target: Path) -> None:
    """Copy main, -wal, -shm and -journal as they lie, before the first connection (design R4)."""
    suffixes = ("", "-wal", "-shm", "-journal")
    files = (outside.facts.main, *outside.facts.sidecars)
    pairs = [
        (home.database.with_name(home.database.name + suffix), target / f"state.db{suffix}")
        for suffix, found in zip(suffixes, files, strict=True)
        if found.exists
    ]
    for copied in host.copy_files(pairs, fsync=True):
        if not host.compare_files(copied.source, copied.target).equal:
            raise Refused(
                f"The safety copy of {copied.source} is not the same as the file.",
                "Nothing was changed. Check the disk, then run the same command again.",
            )


def set_wal_aside(home: Home) -> None:
    """Take a leftover -wal away from a database that nobody has open; the bundle keeps it."""
    for suffix in ("-wal", "-shm"):
        home.database.with_name(home.database.name + suffix).unlink(missing_ok=True)


def copy_verified(source: Path, target: Path) -> bool:
    """Copy a file durably and say whether the copy is the same to the byte."""
    host.copy_files([(source, target)], fsync=True)
    return host.compare_files(source, target).equal


def guard_alone(home: Home, clock: Callable[[], float]) -> Callable[[], None]:
    """Return a function that raises :class:`InUse` as soon as somebody else opens the database.

    The question costs some milliseconds, so it is asked at most every half second; in between
    SQLite's own ``data_version`` tells of writers.
    """
    last = -OPENERS_EVERY

    def guard() -> None:
        nonlocal last
        if clock() - last < OPENERS_EVERY:
            return
        last = clock()
        openers = host.who_has_open(home.database)
        if not openers.nobody:
            raise InUse(
                f"{openers.describe()}.",
                "What was done before is whole. Stop it, then run the same command again.",
            )

    return guard


@contextmanager
def single_run(folder: Folder) -> Iterator[None]:
    """Keep a second writing run of ours out of this home; raises :class:`AnotherRun` there."""
    folder.prepare()
    lock = folder.path / "run.lock"
    with host.single_run(lock) as mine:
        if lock.exists():
            lock.chmod(0o600)
            folder.own(lock)
        if not mine:
            raise AnotherRun(
                "Another hermes-repair is at work on this home.",
                "Wait until it has finished, then run this again.",
            )
        yield
