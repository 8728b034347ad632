"""Runs the units of a receipt against state.db, and takes them back. Knows no check.

One unit is one ``BEGIN IMMEDIATE`` transaction (design R4): guard, before-images, writes, broken
references compared, COMMIT. What became of each unit is noted in the receipt as it goes; after a
kill it is read from the database itself (:func:`~hermes_repair.repair.images.committed`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hermes_repair.model.actions import WITH_TABLE, Action, FileCopy, RowInsert
from hermes_repair.model.errors import DatabaseUnreadable, HermesRepairError, InUse, Refused
from hermes_repair.model.plans import Unit, UnitState
from hermes_repair.model.values import Row, Value
from hermes_repair.records.openplan import PlanFile
from hermes_repair.repair.apply import UNDO_BY_HAND, Resolve, apply, check_invert, invert
from hermes_repair.repair.images import committed
from hermes_repair.repair.references import restored_by_undo, violations, was_there_before
from hermes_repair.store.look import is_busy
from hermes_repair.store.writing import BUSY, Writer


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs from outside, so that this room opens nothing and asks no clock.

    ``guard`` raises :class:`Refused` when somebody opened the database meanwhile; ``keep`` copies a
    source file; ``resolve`` reads a message from its source; ``tell`` hears of every finished unit,
    ``step`` of every action done, with its place in the unit that is at work. ``verify`` looks at
    what a unit has made before it is committed, and raises where that must not be.
    ``exclusive`` is true for plans that nobody else may write beside.
    """

    guard: Callable[[], None]
    keep: Callable[[FileCopy], None]
    resolve: Resolve
    tell: Callable[[Unit], None]
    random: Random
    patience: float
    exclusive: bool
    step: Callable[[Unit, Action, int], None] = lambda _unit, _action, _place: None
    verify: Callable[[Writer], None] = lambda _writer: None


@dataclass(slots=True)
class Outcome:
    """What a run did: numbers of units done, and units not done with the reason."""

    done: list[int] = field(default_factory=list)
    refused: list[tuple[Unit, HermesRepairError]] = field(default_factory=list)


def run(
    writer: Writer,
    receipt: PlanFile,
    numbers: list[int],
    around: Surroundings,
    *,
    begun: bool = False,
) -> Outcome:
    """Apply the numbered units. ``begun``: the first runs in the transaction that is open already.

    A unit that finds something else than the plan expects is left out and reported; when somebody
    opened or wrote the database meanwhile, all that is left is left out.
    """
    outcome = Outcome()
    version = writer.data_version()
    stopped: InUse | None = None
    for number in numbers:
        unit = receipt.record(number).unit
        error: HermesRepairError | None = stopped
        if error is None:
            try:
                _apply_unit(writer, unit, around, version, begun=begun)
            except InUse as caught:
                error = stopped = caught
            except HermesRepairError as caught:
                error = caught
        begun = False
        if error is None:
            receipt.set_states([number], UnitState.DONE)
            outcome.done.append(number)
            around.tell(unit)
        else:
            receipt.set_states([number], UnitState.SKIPPED)
            outcome.refused.append((unit, error))
    return outcome


def _apply_unit(
    writer: Writer, unit: Unit, around: Surroundings, version: Value, *, begun: bool
) -> None:
    try:
        for action in unit.actions:
            if isinstance(action, FileCopy):
                _keep(action, around)
        rows = [action for action in unit.actions if not isinstance(action, FileCopy)]
        if rows:
            _begin(writer, around, version, begun=begun)
            broken = violations(writer, unit)
            for done, action in enumerate(rows, 1):
                apply(writer, action, around.resolve)
                around.step(unit, action, done)
            added = violations(writer, unit) - broken
            if added:
                raise HermesRepairError(
                    f"The step {unit.summary!r} would leave a reference without its row.",
                    "Nothing of it was written. Please report this.",
                )
            around.verify(writer)
            writer.commit()
    except sqlite3.Error as error:
        raise _explained(error, unit) from error
    finally:
        writer.rollback()


def _keep(action: FileCopy, around: Surroundings) -> None:
    try:
        around.keep(action)
    except OSError as error:
        raise Refused(
            f"{action.source} could not be copied: {error.strerror or error}.",
            "Nothing was imported from it. Mend that, then run the same command again.",
        ) from error


def replay(writer: Writer, receipt: PlanFile, numbers: list[int], random: Random) -> None:
    """Apply units again on a private copy of their backup, to learn what they left (R5)."""

    def unresolved(_action: RowInsert) -> Row:
        raise Refused("This run imported messages, so it is taken back row by row.")

    writer.begin(0.0, random)
    for number in numbers:
        for action in receipt.record(number).unit.actions:
            if not isinstance(action, FileCopy):
                apply(writer, action, unresolved)
    writer.commit()


def undo(writer: Writer, receipt: PlanFile, around: Surroundings) -> Outcome:
    """Take back the done units of a receipt, last first.

    All are tried first in one transaction that is rolled back, so that a refusal leaves everything
    as it is: a later unit may have written over an earlier one, so looking alone would not tell.
    Raises :class:`Refused` naming the row where a value that we wrote was changed since.
    """
    outcome = Outcome()
    numbers = [number for number, state in receipt.states() if state is UnitState.DONE]
    numbers.reverse()
    version = writer.data_version()
    try:
        _begin(writer, around, version, begun=False)
        for number in numbers:
            _invert_unit(writer, receipt.record(number).unit)
    finally:
        writer.rollback()
    for number in numbers:
        unit = receipt.record(number).unit
        try:
            _begin(writer, around, version, begun=False)
            _invert_unit(writer, unit)
            writer.commit()
        except sqlite3.Error as error:
            raise _explained(error, unit) from error
        finally:
            writer.rollback()
        receipt.set_states([number], UnitState.UNDONE)
        outcome.done.append(number)
        around.tell(unit)
    return outcome


def _invert_unit(writer: Writer, unit: Unit) -> None:
    """Take one unit back in the open transaction; raises without leaving anything undecided."""
    try:
        _require_tables(writer, unit)
        broken = violations(writer, unit)
        for action in reversed(unit.actions):
            check_invert(writer, action)
            invert(writer, action)
        allowed = restored_by_undo(unit)
        added = {
            row
            for row in violations(writer, unit) - broken
            if row[2] not in allowed and not was_there_before(writer, unit, row)
        }
        if added:
            table, column, _ = min(added, key=str)
            raise Refused(
                f"This cannot be taken back: a later row of {table} ({column}) refers to what the"
                " repair added.",
                UNDO_BY_HAND,
            )
    except sqlite3.Error as error:
        raise _explained(error, unit) from error


def _require_tables(writer: Writer, unit: Unit) -> None:
    """Raise :class:`Refused` where a migration was taken back before what was done after it."""
    there = {row[0] for row in writer.query("SELECT name FROM sqlite_master WHERE type = 'table'")}
    gone = {a.table for a in unit.actions if isinstance(a, WITH_TABLE)} - there
    if gone:
        raise Refused(
            f"This cannot be taken back: the database has no table {min(gone)} any more, as the"
            " schema before it was put back.",
            UNDO_BY_HAND,
        )


def _begin(writer: Writer, around: Surroundings, version: Value, *, begun: bool) -> None:
    if begun:
        return
    around.guard()
    writer.begin(around.patience, around.random)
    if around.exclusive and writer.data_version() != version:
        raise InUse(
            "Another process wrote to the database while the plan was being applied.",
            "Stop Hermes (`hermes gateway stop`), then run the same command again.",
        )


def settle(
    writer: Writer, receipt: PlanFile, like_backup: Callable[[Writer], bool], *, undoing: bool
) -> dict[int, UnitState]:
    """After a kill: note for each open unit what the database shows became of it.

    A pending unit is DONE where it was committed, SKIPPED where not, UNKNOWN where neither image is
    there (design R4). While ``undoing``, a done unit whose before-image is back is UNDONE.
    ``like_backup`` is asked for units without images. Returns the state of every unit that was
    open.
    """
    noted: dict[int, UnitState] = {}
    wanted = UnitState.DONE if undoing else UnitState.PENDING
    absent = UnitState.UNDONE if undoing else UnitState.SKIPPED
    for number, state in receipt.states():
        if state is not wanted:
            continue
        answer = committed(writer, receipt.record(number).unit, like_backup)
        if answer is None:
            noted[number] = UnitState.DONE if undoing else UnitState.UNKNOWN
        else:
            noted[number] = UnitState.DONE if answer else absent
        receipt.set_states([number], noted[number])
    return noted


def _explained(error: sqlite3.Error, unit: Unit) -> HermesRepairError:
    if is_busy(error):
        return BUSY
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return Refused(
            f"The disk is full; the step {unit.summary!r} was taken back whole.",
            "Free some space, then run the same command again.",
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Refused(
            f"The step {unit.summary!r} did not happen: another row stands in its way ({error}).",
            "`hermes-repair doctor` says how the database is now.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
        return Refused(
            f"The database cannot be written: {error}. The step {unit.summary!r} did not happen.",
            "Check free space, and the owner and the permissions of state.db and its folder.",
        )
    damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return (DatabaseUnreadable if damaged else HermesRepairError)(
        f"SQLite refused the step {unit.summary!r}: {error}.",
        "It was taken back whole. `hermes-repair doctor` says how the database is now.",
    )
