"""What our own receipts of a home say, gathered for the checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hermes_repair import __version__, host
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, marks_left
from hermes_repair.model.actions import FileCopy
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.errors import BadRecord
from hermes_repair.model.plans import Header, UnitState
from hermes_repair.model.receipt_history import Brought, Freed, ReceiptHistory
from hermes_repair.records import plan_database
from hermes_repair.records.folder import ACKNOWLEDGED, Folder
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.records.receipt_traces import Traces, traces

RESTORE = "restore"
"""What receipts of a restore are called. They have no steps: `undo` takes none of them back."""
INSTALL = "salvage"
"""What receipts are called of a database that was put in the place of another. They have no steps,
and `undo` gives back the files that were there."""
CLOCKS = 2.0  # seconds: some filesystems keep no finer times
ANSWERS = {choice: f"repair-wal-{choice.value}" for choice in WalChoice}
"""What receipts of an answer to DB002 are called; they have no steps either."""


def gather(folder: Folder) -> ReceiptHistory:
    """Read all receipts: messages that are ours, the birth of the database, unfinished runs."""
    written: set[int] = set()
    inserted: set[int] = set()
    deactivated: set[int] = set()
    kept: set[FileCopy] = set()
    freed: list[Freed] = []
    brought: dict[str, list[Brought]] = {}
    merged: set[bytes] = set()
    withdrawn: set[int] = set()
    undone: set[tuple[int, bytes]] = set()
    counted: dict[str, int] = {}
    births: list[float] = []
    migrations: list[Header] = []
    unfinished: list[tuple[Path, Header, int]] = []
    gone = replaced_in(folder)
    left_out: list[tuple[Path, BadRecord]] = []
    answers = plan_database.read_each(folder.receipt_paths(), _said, left_out)
    for path, (header, left, pending) in answers:
        if header.birth is not None:
            births.append(header.birth)
        if path not in gone:
            written |= left.written
            inserted |= left.inserted
            deactivated |= left.deactivated
            freed += left.freed
            merged |= left.merged
            withdrawn |= left.withdrawn
            undone |= left.undone
            counted |= left.counted
            if header.target is not None and header.closed is not None and header.undone is None:
                migrations.append(header)
            for session_id, lines in left.brought:
                brought.setdefault(session_id, []).append(lines)
        place = folder.source_dir(path)
        kept.update(copy for copy in left.copies if (place / copy.target).is_file())
        if is_open(header):
            unfinished.append((path, header, pending))
    if unfinished and _at_work(folder):
        unfinished.clear()  # not cut off: one of them is being written, and it settles the others
    return ReceiptHistory(
        written=frozenset(written),
        inserted=frozenset(inserted),
        deactivated=frozenset(deactivated),
        freed=tuple(freed),
        brought=brought,
        kept=frozenset(kept),
        merged=frozenset(merged),
        withdrawn=frozenset(withdrawn),
        undone=frozenset(undone),
        counted=counted,
        birth=min(births, default=None),
        migrations=tuple(migrations),
        unfinished=tuple(unfinished),
        unreadable=tuple(_unreadable(folder, left_out)),
    )


def _said(receipt: PlanFile) -> tuple[Header, Traces, int]:
    """Return header, traces and pending steps; a receipt that cannot be read whole says nothing."""
    header = receipt.header()
    if is_open(header):
        receipt.require_sealed()
    pending = sum(1 for _, state in receipt.states() if state is UnitState.PENDING)
    return header, traces(receipt), pending


def _unreadable(
    folder: Folder, receipts: Iterable[tuple[Path, BadRecord]]
) -> Iterator[tuple[str, str]]:
    yield from ((path.name, error.message) for path, error in receipts)
    _, why = folder.acknowledged_or_why()
    if why is not None:
        yield ACKNOWLEDGED, why


def header_of(run: Run, command: str, base: str, **more: Any) -> Header:
    """Return the header of a plan that is made now; ``more`` are further fields of it."""
    return Header(
        tool_version=__version__,
        command=command,
        created=run.now(),
        database=str(run.home.database),
        base=base,
        **{"schema": None, **more},
    )


def write_empty(run: Run, path: Path, base: str, command: str, **more: Any) -> None:
    """Write the receipt of a run without steps, durable, before it begins."""
    header = header_of(run, command, base, home=identify(run), **more)
    with plan_database.create(path, header):
        pass
    run.folder.own(path)


def close_empty(run: Run, path: Path) -> None:
    """Note that a run without steps came to its end, and what it left beside state.db."""
    with plan_database.edit(path) as notes:
        notes.set_header(closed=run.now(), left=marks_left(run.home))
    plan_database.sync(path)


def identify(run: Run) -> str:
    """Return what says that this is the same home, wherever its folder is moved; made once."""
    known = identity(run.folder)
    return run.folder.identify(known or f"{run.environment.random.getrandbits(128):032x}")


def identity(folder: Folder) -> str | None:
    """Return the identity of a home; where its file is gone, the one that all receipts name."""
    known = folder.identity()
    if known is not None:
        return known
    headers = plan_database.read_each(folder.receipt_paths(), PlanFile.header)
    named = {header.home for _, header in headers}
    return named.pop() if len(named) == 1 else None


def replaced(receipts: Iterable[tuple[Path, Header]]) -> dict[Path, Path]:
    """Return the runs whose work a later restore replaced, each with that restore. Pure.

    ``receipts`` are all of a home, newest first. What is there is the newest copy that was put back
    and what was done after that; before it counts what that copy had, and so on.
    """
    replaced_by: dict[Path, Path] = {}
    horizon: float | None = None
    by = Path()
    for path, header in receipts:
        if header.store is not None:
            continue  # another file than the one that is restored
        if horizon is not None and header.created >= horizon:
            replaced_by[path] = by
        elif header.restored_from is not None and header.closed is not None:
            horizon, by = header.restored_from, path
    return replaced_by


def replaced_in(folder: Folder) -> dict[Path, Path]:
    """Return :func:`replaced` of a folder; opens nothing where there was no restore."""
    paths = folder.receipt_paths()
    if not any(path.stem.endswith(f"Z-{RESTORE}") for path in paths):
        return {}
    return replaced(plan_database.read_each(paths[::-1], PlanFile.header))


def _at_work(folder: Folder) -> bool:
    """Whether a run of ours that writes is there right now, by the lock that it holds."""
    locks = host.kernel_locks([folder.run_lock])
    return locks is not None and any(locks.values())


def is_open(header: Header) -> bool:
    """Whether a run, or the undo of one, has not come to its end (RP001)."""
    return header.closed is None or (header.undoing is not None and header.undone is None)


def left_by_us(folder: Folder, file_status: FileStatus) -> Path | None:
    """Return the run of ours that left the -wal which lies beside state.db, None where none did.

    Either both files lie as a run found them when it ended, or a run was cut off, state.db is the
    file that it was at work on, and the -wal was written since. SQLite takes a -wal in page by
    page, so a kill or a full disk leaves a main file that is no state that ever was, and what it
    shows is no evidence against the -wal. A run that was to take a -wal away says nothing for it.
    """
    if not file_status.sides.wal:
        return None
    main = file_status.marks.partition(":")[0]
    for path, header in plan_database.read_each(folder.receipt_paths()[::-1], PlanFile.header):
        if header.left == file_status.marks:
            return path
        wrote = file_status.facts.wal.mtime_ns / 1e9 > header.created - CLOCKS
        same = header.base.partition(":")[0] == main
        replaces = header.installed is not None
        takes_it_away = replaces or header.command == ANSWERS[WalChoice.IGNORE]
        if is_open(header) and not takes_it_away and same and wrote:
            return path
    return None
