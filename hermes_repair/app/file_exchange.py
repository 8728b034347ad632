"""Changing which file is called state.db (or another database), with nobody at work on either.

The new file is renamed over the old one, so that the name always leads to one of them, whole. The
old side files go before that: SQLite merges a -wal into whatever it lies beside (in a trial 4,174
of 5,340 messages were left then, and a damaged tree). Their copies are on disk before.

Meanwhile a process of ours holds every lock of SQLite's on both files. So a Hermes that starts just
then finds the database locked, and does not read a file that is about to lose its name.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import SIDE_SUFFIXES, FileStatus
from hermes_repair.app.preflight import kept_name, set_wal_aside
from hermes_repair.home.layout import Home
from hermes_repair.host import FileFacts, ProcessInfo
from hermes_repair.model.errors import InUse, Refused
from hermes_repair.records.plan_database import sync

PAUSE = 0.5  # seconds
PAUSES = 60
"""So often we wait for a process that has opened the old file to let go of it."""


def staging(home: Home) -> Path:
    """Return where a file lies that is to become state.db: beside it, so that a rename will do."""
    return home.database.with_name(f".{home.database.name}.hermes-repair")


@contextmanager
def staged(home: Home, new: Path, like: FileFacts) -> Iterator[Path]:
    """Bring a database to :func:`staging`, on disk, and yield that path.

    It gets owner and mode of ``like``. If it has not become state.db in the end it is again where
    it was. Raises :class:`Refused` where its copy is not the same: it may come from another disk.
    """
    place = staging(home)
    place.unlink(missing_ok=True)
    moved = False
    try:
        moved = _move(home, new)
        give(place, like)
        sync(place)
        yield place
    finally:
        if moved and place.exists():
            place.rename(new)
        place.unlink(missing_ok=True)


def _move(home: Home, source: Path) -> bool:
    """Move a file to :func:`staging`, or copy it from another disk; return whether it was moved."""
    try:
        source.rename(staging(home))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_in(home, source)
        return False
    return True


def copy_in(home: Home, source: Path) -> Path:
    """Copy a file to :func:`staging`, on disk, and return that; raises :class:`Refused`."""
    place = staging(home)
    place.unlink(missing_ok=True)
    host.copy_files([(source, place)])
    if not host.same_files(source, place):
        raise Refused(
            f"The copy {place} does not match {source}.",
            "Check the disk, then run the same command again.",
        )
    return place


def give(path: Path, like: FileFacts) -> None:
    """Give a file of ours the owner and mode of another; no link is followed."""
    if not hasattr(os, "fchown"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        with suppress(PermissionError):  # who is not in that group keeps his own
            os.fchown(descriptor, like.uid, like.gid)
        os.fchmod(descriptor, like.mode)
    finally:
        os.close(descriptor)


def marks_of(path: Path) -> str:
    """Return what :attr:`FileStatus.marks` says of a main file that is not empty."""
    facts = path.stat()
    return f"{facts.st_ino}:{facts.st_size}:{facts.st_mtime_ns}"


@contextmanager
def locked(run: Run, *databases: Path) -> Iterator[None]:
    """Keep everybody out of these databases; raises :class:`InUse` where somebody is there."""
    with host.held(*databases) as ours:
        openers = host.who_has_open(run.home.database)
        if not ours or openers.processes:
            raise InUse(
                f"{openers.describe() if openers.processes else 'Another process locks it'}.",
                "Nothing was changed. Stop it, then run the same command again.",
            )
        yield


def exchange(run: Run, new: Path | None) -> tuple[ProcessInfo, ...]:
    """Let ``new`` be state.db, or nothing where it is None; what was there is gone.

    Returns the processes that opened the old file at the last moment and did not let go of it.
    """
    database = run.home.database
    set_wal_aside(run.home)
    sync(database.parent)
    if new is not None:
        new.replace(database)
    else:
        database.unlink(missing_ok=True)
    sync(database.parent)
    return _latecomers(run)


def _latecomers(run: Run) -> tuple[ProcessInfo, ...]:
    """Wait until nobody has the old file open any more; return who still has.

    The locks keep him from reading it, and SQLite gives up after a while.
    """
    for _ in range(PAUSES):
        late = tuple(p for p in host.who_has_open(run.home.database).processes if p.deleted)
        if not late:
            break
        run.environment.sleep(PAUSE)
    return late


def give_sides_back(home: Home, kept: Path, file_status: FileStatus) -> None:
    """Put the side files that lie in ``kept`` beside state.db, as far as none is there."""
    for suffix, found in zip(SIDE_SUFFIXES, file_status.facts.sidecars, strict=True):
        source = kept / f"{kept_name(home)}{suffix}"
        if source.is_file() and not found.exists:
            place = copy_in(home, source)
            like = file_status.facts.main
            if like.exists:  # SQLite gives its side files what the database has
                give(place, like)
            place.replace(found.path)
            sync(found.path)
