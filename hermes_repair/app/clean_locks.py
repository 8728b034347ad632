"""``locks clean``: for cron, beside a live gateway; what it imports is what each run costs.

One look, and only where something is provably over a write: each lock in a short transaction of its
own that deletes the row as it was seen or nothing. The list for people is
:mod:`.locks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import DOCTOR_SAYS_MORE, FileStatus, quick_look, read_file_status
from hermes_repair.evidence.handoffs import fail_handoff, handoffs
from hermes_repair.evidence.lock_holds import (
    Hold,
    JudgedLock,
    delete_lock,
    judged_locks,
    known_table,
)
from hermes_repair.host import Openers
from hermes_repair.leases import LeaseTerms
from hermes_repair.model.actions import LOCK_TABLE
from hermes_repair.model.errors import AnotherRun, Changed, HermesRepairError, InUse, Refused
from hermes_repair.model.plans import Unit
from hermes_repair.store.file_state import refuse_copy
from hermes_repair.store.integrity import require_agreement
from hermes_repair.store.look import Look

if TYPE_CHECKING:
    from hermes_repair.app.apply_units import Applied

COMMAND = "locks-clean"
KEEP_RECEIPTS = 50
"""Receipts of ``locks clean`` that are kept: years of cron runs leave a bounded folder."""
PATIENCE = 4.0  # seconds in which a look or a start that others get in the way of is tried again


@dataclass(frozen=True, slots=True)
class Seen:
    """The locks of one home at one moment; ``note`` says why there was nothing to look at.

    ``handoffs`` are those that provably nobody finishes, each with the step that ends it.
    """

    file_status: FileStatus
    locks: tuple[JudgedLock, ...] = ()
    note: str | None = None
    handoffs: tuple[tuple[Hold, Unit], ...] = ()

    @property
    def stale(self) -> tuple[JudgedLock, ...]:
        """The locks that are provably over."""
        return tuple(lock for lock in self.locks if lock.verdict.cleanable)


@dataclass(slots=True)
class Cleaned:
    """What one run of ``locks clean`` did.

    ``seen`` are all locks that it judged, ``freed`` those that it removed (would remove),
    ``kept`` those that somebody renewed, took over or released meanwhile, ``refused`` those that it
    could not remove. ``ended`` are the handoffs that it noted as failed (would note).
    """

    seen: tuple[JudgedLock, ...] = ()
    freed: list[JudgedLock] = field(default_factory=list)
    kept: list[JudgedLock] = field(default_factory=list)
    refused: list[tuple[JudgedLock, HermesRepairError]] = field(default_factory=list)
    note: str | None = None
    receipt: Path | None = None
    ended: list[Hold] = field(default_factory=list)


def see(run: Run, *, grace: float, max_age: float) -> Seen:
    """Look at the locks and handoffs of a home; never the first opener of a leftover -wal.

    Raises :class:`Refused` or :class:`~hermes_repair.model.errors.DatabaseUnreadable` where the
    database cannot be looked at.
    """
    file_status = read_file_status(run.home)
    if file_status.left_behind:
        return Seen(file_status, note="there is a -wal or -journal that no connection uses")
    if not file_status.facts.is_sqlite:
        raise Refused(f"{run.home.database} is not a SQLite database.", DOCTOR_SAYS_MORE)
    with quick_look(run.home, file_status, refuse_copy) as look:
        if not look.has("sessions"):
            raise Refused(f"{run.home.database} has no table of sessions.", DOCTOR_SAYS_MORE)
        abandoned = tuple(_abandoned(look, run.home.database, file_status.openers, run.now()))
        note = None
        if not look.has(LOCK_TABLE):
            note = "this schema has no compression locks"
        elif not known_table(look):
            note = "its table of compression locks is not that of a known release"
        if note is not None:
            return Seen(file_status, note=note, handoffs=abandoned)
        require_agreement(look, LOCK_TABLE, however_large=True)
        locks = judged_locks(
            look,
            run.home.database,
            file_status.openers,
            run.now(),
            LeaseTerms(grace, max_age),
        )
    return Seen(file_status, locks, handoffs=abandoned)


def _abandoned(
    look: Look, database: Path, openers: Openers, now: float
) -> Iterator[tuple[Hold, Unit]]:
    for hold in handoffs(look, database, openers, now):
        if hold.verdict.cleanable:
            for unit in fail_handoff(look, hold, "LK008"):
                yield hold, unit


def clean(run: Run, *, grace: float, max_age: float, dry_run: bool) -> Cleaned:
    """Free what is provably over. A second run at the same time does nothing and says so.

    Raises :class:`InUse` where others stay in the way for some seconds, having changed nothing.
    """
    deadline = run.now() + PATIENCE
    waited = 0.0  # counted too, so that a clock that is set back cannot keep us here
    while True:
        try:
            seen = see(run, grace=grace, max_age=max_age)
            if dry_run or not (seen.stale or seen.handoffs):
                ended = [hold for hold, _ in seen.handoffs]
                return Cleaned(seen.locks, freed=list(seen.stale), note=seen.note, ended=ended)
            return free(run, seen)
        except AnotherRun as error:
            return Cleaned(seen.locks, note=error.message)
        except (InUse, Changed):
            if run.now() >= deadline or waited >= PATIENCE:
                raise
            pause = run.environment.random.uniform(0.1, 0.4)
            run.environment.sleep(pause)
            waited += pause


def free(run: Run, seen: Seen) -> Cleaned:
    """Remove the stale locks, and end handoffs, as they were seen, each whole or not at all.

    What anybody changed since stays. Raises :class:`AnotherRun` beside another run of ours.
    """
    # Not needed by a run that finds nothing to do, which is nearly every run of a timer.
    from hermes_repair.app.apply_units import Job, apply_units, close_receipt, in_memory
    from hermes_repair.app.preflight import single_run

    units = [delete_lock(lock, lock.finding_id or "LK001") for lock in seen.stale]
    with single_run(run.folder):
        ends = [unit for _, unit in seen.handoffs]
        applied = apply_units(run, seen.file_status, in_memory([*units, *ends]), Job(COMMAND))
        result = _sorted_out(seen, units, applied)
        if applied.receipt is not None and not (result.freed or result.ended):
            run.folder.discard(applied.receipt)
        elif applied.receipt is not None:
            close_receipt(run, applied.receipt)
            result.receipt = applied.receipt
            run.folder.rotate(COMMAND, KEEP_RECEIPTS)
    return result


def _sorted_out(seen: Seen, units: Sequence[Unit], applied: Applied) -> Cleaned:
    """Say what became of each lock, and which handoffs were ended."""
    result = Cleaned(seen.locks, note=seen.note)
    refused = [unit.step for unit, _ in applied.refused]
    result.ended += [hold for hold, unit in seen.handoffs if unit.step not in refused]
    for lock, unit in zip(seen.stale, units, strict=True):
        errors = (error for refused, error in applied.refused if refused.actions == unit.actions)
        error = next(errors, None)
        if error is None:
            result.freed.append(lock)
        elif isinstance(error, Changed):
            result.kept.append(lock)
        else:
            result.refused.append((lock, error))
    return result
