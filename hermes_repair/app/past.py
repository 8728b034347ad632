"""What our own receipts of a home say, gathered for the checks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.outside import Outside
from hermes_repair.model.actions import FileCopy
from hermes_repair.model.past import Brought, Freed, Past
from hermes_repair.model.plans import Header, UnitState
from hermes_repair.records import planfile
from hermes_repair.records.folder import Folder
from hermes_repair.store.views import WalChoice

RESTORE = "restore"
"""What receipts of a restore are called. They have no steps: `undo` takes none of them back."""
CLOCKS = 2.0  # seconds: some filesystems keep no finer times
SET_ASIDE = f"repair-wal-{WalChoice.IGNORE.value}"
"""What receipts of a -wal that was to be set aside are called."""


def gather(folder: Folder) -> Past:
    """Read all receipts: messages that are ours, the birth of the database, unfinished runs."""
    written: set[int] = set()
    deactivated: set[int] = set()
    kept: set[FileCopy] = set()
    freed: list[Freed] = []
    brought: dict[str, list[Brought]] = {}
    births: list[float] = []
    unfinished: list[tuple[Path, Header, int]] = []
    gone = replaced_in(folder)
    for path, receipt in planfile.read_each(folder.receipt_paths()):
        header = receipt.header()
        if header.birth is not None:
            births.append(header.birth)
        if path not in gone:
            written.update(receipt.written_messages())
            deactivated.update(receipt.deactivated_messages())
            freed += (Freed(*left, header.created) for left in receipt.freed_messages())
            for session_id, lines in receipt.brought_lines():
                brought.setdefault(session_id, []).append(lines)
        place = folder.source_dir(path)
        kept.update(copy for copy in receipt.copies() if (place / copy.target).is_file())
        if is_open(header):
            pending = [s for _, s in receipt.states() if s is UnitState.PENDING]
            unfinished.append((path, header, len(pending)))
    if unfinished and _at_work(folder):
        unfinished.clear()  # not cut off: one of them is being written, and it settles the others
    return Past(
        written=frozenset(written),
        deactivated=frozenset(deactivated),
        freed=tuple(freed),
        brought=brought,
        kept=frozenset(kept),
        birth=min(births, default=None),
        unfinished=tuple(unfinished),
    )


def replaced(receipts: Iterable[tuple[Path, Header]]) -> dict[Path, Path]:
    """Return the runs whose work a later restore replaced, each with that restore. Pure.

    ``receipts`` are all of a home, newest first. What is there is the newest copy that was put back
    and what was done after that; before it counts what that copy had, and so on.
    """
    found: dict[Path, Path] = {}
    horizon: float | None = None
    by = Path()
    for path, header in receipts:
        if horizon is not None and header.created >= horizon:
            found[path] = by
        elif header.restored_from is not None and header.closed is not None:
            horizon, by = header.restored_from, path
    return found


def replaced_in(folder: Folder) -> dict[Path, Path]:
    """Return :func:`replaced` of a folder; opens nothing where there was no restore."""
    paths = folder.receipt_paths()
    if not any(path.stem.endswith(f"Z-{RESTORE}") for path in paths):
        return {}
    headers = [(path, receipt.header()) for path, receipt in planfile.read_each(paths[::-1])]
    return replaced(headers)


def _at_work(folder: Folder) -> bool:
    """Whether a run of ours that writes is there right now, by the lock that it holds."""
    locks = host.kernel_locks([folder.run_lock])
    return locks is not None and any(locks.values())


def is_open(header: Header) -> bool:
    """Whether a run, or the undo of one, has not come to its end (RP001)."""
    return header.closed is None or (header.undoing is not None and header.undone is None)


def left_by_us(folder: Folder, outside: Outside) -> Path | None:
    """Return the run of ours that left the -wal which lies beside state.db, None where none did.

    Either both files lie as a run found them when it ended, or a run was cut off, state.db is the
    file that it was at work on, and the -wal was written since. SQLite takes a -wal in page by
    page, so a kill or a full disk leaves a main file that is no state that ever was, and what it
    shows is no evidence against the -wal. A run that was to set a -wal aside says nothing for it.
    """
    if not outside.sides.wal:
        return None
    main = outside.marks.partition(":")[0]
    for path, receipt in planfile.read_each(folder.receipt_paths()[::-1]):
        header = receipt.header()
        if header.left == outside.marks:
            return path
        wrote = outside.facts.wal.mtime_ns / 1e9 > header.created - CLOCKS
        same = header.base.partition(":")[0] == main
        if is_open(header) and header.command != SET_ASIDE and same and wrote:
            return path
    return None


def at_work_on(folder: Folder) -> frozenset[str]:
    """Return the sessions of runs that were cut off: a -wal that is ours may take back of them."""
    sessions: set[str] = set()
    for _, receipt in planfile.read_each(folder.receipt_paths()):
        if is_open(receipt.header()):
            sessions |= receipt.sessions()
    return frozenset(sessions)
