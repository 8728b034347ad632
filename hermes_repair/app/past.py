"""What our own receipts of a home say, gathered for the checks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_repair import host
from hermes_repair.model.actions import FileCopy
from hermes_repair.model.plans import Header, UnitState
from hermes_repair.records import planfile
from hermes_repair.records.folder import Folder

if TYPE_CHECKING:
    from hermes_repair.checks.scene import Past


RESTORE = "restore"
"""What receipts of a restore are called. They have no steps: `undo` takes none of them back."""


def gather(folder: Folder) -> Past:
    """Read all receipts: messages that are ours, the birth of the database, unfinished runs."""
    # Imported here: `locks clean` asks this module who is at work, and has no use for a scene.
    from hermes_repair.checks.scene import Past

    written: set[int] = set()
    deactivated: set[int] = set()
    kept: set[FileCopy] = set()
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
