"""``locks list`` and ``locks clean``: for people, and for cron beside a live gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair.app.applying import apply_units, close_receipt
from hermes_repair.app.past import folder_of
from hermes_repair.app.preflight import single_run
from hermes_repair.app.visit import Outside, from_outside
from hermes_repair.app.world import World
from hermes_repair.checks.judged import JudgedLock, judged_locks
from hermes_repair.checks.locks import delete_lock
from hermes_repair.home.layout import Home
from hermes_repair.model.actions import RowInsert
from hermes_repair.model.errors import HermesRepairError, InUse, Refused
from hermes_repair.model.findings import Safety
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Row
from hermes_repair.schema.recognise import FIRST_LATER, Family, Recognition, recognise
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.look import Look
from hermes_repair.store.views import at_rest, beside_others, refuse_copy

KEEP_RECEIPTS = 50
"""Receipts of ``locks clean`` that are kept: years of cron runs leave a bounded folder."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The locks of one home at one moment; ``why_not`` says why nothing may be looked at."""

    locks: tuple[JudgedLock, ...]
    outside: Outside
    recognition: Recognition | None
    why_not: str | None = None


@dataclass(slots=True)
class Cleaned:
    """What one run of ``locks clean`` did."""

    freed: list[Unit] = field(default_factory=list)
    refused: list[tuple[Unit, HermesRepairError]] = field(default_factory=list)
    note: str | None = None
    receipt: Path | None = None


@contextmanager
def _look(home: Home, outside: Outside) -> Iterator[Look]:
    """Look at the locks without a copy and without the file-level check: milliseconds."""
    if outside.at_rest:
        with at_rest(home.database, outside.sides, refuse_copy, None, check_file=False) as (
            look,
            _,
        ):
            yield look
    else:
        with beside_others(home.database, wal_mode=outside.facts.wal_mode, check_file=False) as (
            look,
            _,
        ):
            yield look


def see(home: Home, world: World, *, grace: float, max_age: float) -> Seen:
    """Look at the compression locks of a home; never the first opener of a leftover -wal."""
    outside = from_outside(home)
    if outside.at_rest and (outside.sides.wal or outside.sides.journal):
        return Seen((), outside, None, "a -wal or -journal lies there that nobody has open")
    if not outside.facts.is_sqlite:
        raise Refused(
            f"{home.database} is not a SQLite database.", "`hermes-repair doctor` says more."
        )
    with _look(home, outside) as look:
        recognition = recognise(read_structure(look.rows))
        if recognition.family is Family.EMPTY:
            raise Refused(
                f"{home.database} has no table of sessions.", "`hermes-repair doctor` says more."
            )
        if not look.has("compression_locks"):
            return Seen((), outside, recognition, "this schema has no compression locks")
        locks = tuple(
            judged_locks(
                look,
                outside.openers,
                world.now(),
                revivable=recognition.number >= FIRST_LATER,
                grace=grace,
                max_age=max_age,
            )
        )
    return Seen(locks, outside, recognition)


def clean(home: Home, world: World, *, grace: float, max_age: float, dry_run: bool) -> Cleaned:
    """Free what is provably over, each lock in its own short transaction, compare-and-delete.

    A second run at the same time does nothing and says so. Raises :class:`Refused` where the
    database stays busy, having changed nothing.
    """
    seen = see(home, world, grace=grace, max_age=max_age)
    result = Cleaned(note=seen.why_not)
    units = [
        delete_lock(
            lock.row,
            f"free the compression lock of {lock.session}: {lock.verdict.reason}",
            ("", lock.finding_id or "LK001"),
            Safety.SAFE,
        )
        for lock in seen.locks
        if lock.verdict.cleanable
    ]
    if not units or dry_run:
        result.freed = units if dry_run else []
        return result
    folder = folder_of(home)
    try:
        with single_run(folder):
            applied = apply_units(
                home,
                folder,
                world,
                seen.outside,
                units,
                _unused,
                command="locks-clean",
                schema=seen.recognition.number if seen.recognition else None,
                birth=None,
            )
            result.receipt = applied.receipt
            result.refused = list(applied.refused)
            lost = {id(unit) for unit, _ in applied.refused}
            result.freed = [unit for unit in units if id(unit) not in lost]
            if applied.receipt is not None:
                close_receipt(applied.receipt, folder, world)
            folder.rotate("locks-clean", KEEP_RECEIPTS)
    except InUse as error:
        if "Another hermes-repair" not in error.message:
            raise
        result.note = error.message
    return result


def _unused(_action: RowInsert) -> Row:
    raise AssertionError("cleaning a lock inserts nothing")
