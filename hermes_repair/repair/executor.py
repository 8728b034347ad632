"""Runs the units of a receipt against state.db, and takes them back. Knows no check.

A unit is whole or not at all: guard, ``BEGIN IMMEDIATE``, before-images, writes, each read back,
every row counted that was written, broken references compared, COMMIT. Small ones share the
transaction (:mod:`.shared_transactions`). What became of each unit is noted in the receipt as it
goes; after a kill it is read from the database itself (:mod:`.settling`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from hermes_repair.model.actions import (
    WITH_TABLE,
    Action,
    FileCopy,
    FileRewrite,
    RowInsert,
    RowMove,
)
from hermes_repair.model.errors import HermesRepairError, InUse, Refused
from hermes_repair.model.plans import Unit, UnitRecord, UnitState
from hermes_repair.model.values import Row, row_digest
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.records.undo_data import Aside
from hermes_repair.repair.apply import (
    UNDO_BY_HAND,
    Keep,
    Kept,
    Resolve,
    apply,
    check_invert,
    invert,
)
from hermes_repair.repair.file_writes import HomeFiles, NoFiles, Tried, rewrite, take_back
from hermes_repair.repair.foreign_keys import restored_by_undo, violations, was_there_before
from hermes_repair.repair.plan_bounds import lawful
from hermes_repair.repair.row_images import went_on_since
from hermes_repair.repair.row_writes import Rows
from hermes_repair.repair.shared_transactions import sharing
from hermes_repair.repair.step_errors import explained
from hermes_repair.repair.write_watch import Watch, numbers_of_rows, require_same_numbers
from hermes_repair.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs from outside, so that this room opens nothing and asks no clock.

    ``guard`` raises :class:`Refused` when somebody opened the database meanwhile; ``keep`` copies
    source files; ``resolve`` reads a message from its source; ``tell`` hears of every unit done,
    ``step`` of every action done, with its place in the unit that is at work. ``verify`` looks at
    what a unit has made before it is committed, and raises where that must not be. ``files`` are
    those of the home that units write anew. ``exclusive`` is true for plans that nobody else may
    write beside.
    """

    guard: Callable[[], None]
    keep: Callable[[Sequence[FileCopy]], object]
    resolve: Resolve
    tell: Callable[[Unit], None]
    random: Random
    patience: float
    exclusive: bool
    step: Callable[[Unit, Action, int], None] = lambda _unit, _action, _place: None
    verify: Callable[[Writer], None] = lambda _writer: None
    files: HomeFiles = field(default_factory=NoFiles)


@dataclass(slots=True)
class Outcome:
    """What a run did: numbers of units done, and units not done with the reason.

    ``given_back`` are rows that had vanished since they were moved; an undo alone has them.
    """

    done: list[int] = field(default_factory=list)
    refused: list[tuple[Unit, HermesRepairError]] = field(default_factory=list)
    given_back: int = 0


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
    work = _Work(writer, around)
    stopped: InUse | None = None
    for shared in sharing(map(receipt.record, numbers)):
        parts = [shared]
        while parts:
            part = parts.pop(0)
            error = stopped or _tried(work, receipt, part, begun=begun)
            begun = False
            if isinstance(error, InUse):
                stopped = error
            elif error is not None and len(part) > 1:
                parts = [[record] for record in part]  # alone, each finds what is its own
                continue
            state = UnitState.DONE if error is None else UnitState.SKIPPED
            receipt.set_states([record.number for record in part], state)
            for record in part:
                if error is None:
                    outcome.done.append(record.number)
                    around.tell(record.unit)
                else:
                    outcome.refused.append((record.unit, error))
    return outcome


def _tried(
    work: _Work, receipt: PlanFile, records: Sequence[UnitRecord], *, begun: bool
) -> HermesRepairError | None:
    """Apply units in one transaction; return why not, where nothing of them was done."""
    try:
        _apply(work, [(one.unit, receipt.aside(one.number)) for one in records], begun=begun)
    except HermesRepairError as error:
        return error
    return None


class _Work:
    """One connection at work: what its units share, and the state of the database it began with."""

    def __init__(self, writer: Writer, around: Surroundings) -> None:
        self.writer = writer
        self.around = around
        self.files = around.files
        self.version = writer.data_version()
        self.watch = Watch(writer)
        self.require_lawful = lawful()

    def begin(self) -> None:
        """Begin a transaction; raises :class:`InUse` where somebody is there, or was since."""
        self.around.guard()
        self.writer.begin(self.around.patience, self.around.random)
        if self.around.exclusive and self.writer.data_version() != self.version:
            raise InUse(
                "Another process wrote to the database while the plan was being applied.",
                "Stop Hermes (`hermes gateway stop`), then run the same command again.",
            )


def _apply(work: _Work, units: Sequence[tuple[Unit, Aside]], *, begun: bool) -> None:
    """Apply units in one transaction, all or none."""
    writer, unit = work.writer, units[0][0]
    try:
        actions = [action for unit, _ in units for action in unit.actions]
        copies = [action for action in actions if isinstance(action, FileCopy)]
        if copies:
            _keep(copies, work.around)
        if len(copies) == len(actions):
            return
        for unit, aside in units:
            _write(work, unit, aside, begun=begun)
            begun = True
        for _, aside in units:
            aside.commit()
        writer.commit()
    except sqlite3.Error as error:
        raise explained(error, unit) from error
    finally:
        writer.rollback()
        for _, aside in units:
            aside.forget()


def _write(work: _Work, unit: Unit, aside: Aside, *, begun: bool) -> None:
    """Do the actions of one unit in a transaction, which it begins unless one has ``begun``."""
    writer, around = work.writer, work.around
    checked = _Checked(work, unit)
    checked.begin(begun=begun)
    broken = violations(writer, unit)
    done = 0
    for position, action in enumerate(unit.actions):
        if isinstance(action, FileCopy):
            continue
        if isinstance(action, FileRewrite):
            rewrite(work.files, action)
        else:
            apply(checked.rows, action, around.resolve, _keeper(aside, position))
        done += 1
        around.step(unit, action, done)
    checked.require()
    added = violations(writer, unit) - broken
    if added:
        raise HermesRepairError(
            f"The step {unit.summary!r} would leave a reference without its row.",
            "Nothing of it was written. Please report this.",
        )
    around.verify(writer)
    aside.derive(work.watch.remembered())
    aside.finish()


class _Checked:
    """The row writes of one unit, and what proves that nothing else was written.

    A unit of rows alone has every row counted that is written. One that changes structure has the
    rows of each table counted before and after, less the tables that it writes anew.
    """

    def __init__(self, work: _Work, unit: Unit) -> None:
        self._work = work
        self._unit = unit
        self._watch = None if unit.needs_backup else work.watch
        self._numbers: dict[str, int] = {}
        self.rows = Rows(work.writer, self._watch)

    def begin(self, *, begun: bool) -> None:
        """Begin the transaction, or go on in one that has ``begun``, and begin to count.

        What takes time is made ready before it. Raises :class:`Refused` where the database has
        something that stands in the way, or somebody was there meanwhile.
        """
        try:
            if self._watch is not None:
                self._watch.prepare()
            self._work.require_lawful(self._work.writer, self._unit)
            if not begun:
                self._work.begin()
            self._work.require_lawful(self._work.writer, self._unit)
            if self._watch is not None:
                self._watch.start()
            else:
                self._numbers = numbers_of_rows(self._work.writer)
        except sqlite3.Error as error:
            raise explained(error, self._unit) from error

    def require(self) -> None:
        """Raise where rows were written that no action names, or an index made anew lacks some."""
        self.rows.require_nothing_else()
        if self._watch is None:
            # Not needed where locks are cleaned, which is done every few minutes.
            from hermes_repair.repair.made_indexes import require_made_anew

            require_same_numbers(self._numbers, numbers_of_rows(self._work.writer), self._unit)
            require_made_anew(self._work.writer, self._unit)


def _keeper(aside: Aside, position: int) -> Keep:
    def keep(action: RowMove, row: Row) -> None:
        aside.keep(position, [row[column] for column in action.columns])

    return keep


def _keep(copies: Sequence[FileCopy], around: Surroundings) -> None:
    try:
        around.keep(copies)
    except OSError as error:
        which = copies[0].source if len(copies) == 1 else "A transcript"
        raise Refused(
            f"{which} could not be copied: {error.strerror or error}.",
            "Nothing was imported from it. Fix that, then run the same command again.",
        ) from error


def replay(writer: Writer, receipt: PlanFile, numbers: list[int], random: Random) -> None:
    """Apply units again on a private copy of their backup, to learn what they left."""

    def unresolved(_action: RowInsert) -> Row:
        raise Refused("This run imported messages, so it is undone row by row.")

    def unkept(_action: RowMove, _row: Row) -> None:
        raise Refused("This run moved messages, so it is undone row by row.")

    writer.begin(0.0, random)
    for number in numbers:
        for action in receipt.record(number).unit.actions:
            if not isinstance(action, FileCopy | FileRewrite):
                apply(Rows(writer), action, unresolved, unkept)
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
    work = _Work(writer, around)
    work.files = Tried(around.files)
    try:
        for place, number in enumerate(numbers):
            unit = receipt.record(number).unit
            _invert_unit(work, unit, receipt.aside(number), begun=place > 0)
    finally:
        writer.rollback()
        work.files = around.files
    went_on = partial(went_on_since, writer)
    for shared in sharing(map(receipt.record, numbers), alone=went_on):
        unit, given_back = shared[0].unit, 0
        try:
            for place, record in enumerate(shared):
                aside = receipt.aside(record.number)
                given_back += _invert_unit(work, record.unit, aside, begun=place > 0)
            writer.commit()
        except sqlite3.Error as error:
            raise explained(error, unit) from error
        finally:
            writer.rollback()
        receipt.set_states([record.number for record in shared], UnitState.UNDONE)
        outcome.done += [record.number for record in shared]
        outcome.given_back += given_back
        for record in shared:
            around.tell(record.unit)
    return outcome


def _invert_unit(work: _Work, unit: Unit, aside: Aside, *, begun: bool) -> int:
    """Take one unit back, in the transaction that is open where one has ``begun``; not committed.

    Returns how many rows had vanished and were given back.
    """
    checked = _Checked(work, unit)
    checked.begin(begun=begun)
    writer, rows = work.writer, checked.rows
    try:
        _require_tables(writer, unit)
        broken = violations(writer, unit)
        for position in range(len(unit.actions) - 1, -1, -1):
            action = unit.actions[position]
            if isinstance(action, FileRewrite):
                take_back(work.files, action)
                continue
            kept = _kept(aside, position)
            check_invert(rows, action, kept)
            invert(rows, action, kept)
        for id, columns in aside.derived():
            rows.set_derived(id, columns)
        checked.require()
        allowed = restored_by_undo(unit)
        added = {
            row
            for row in violations(writer, unit) - broken
            if row[2] not in allowed and not was_there_before(writer, unit, row)
        }
        if added:
            table, column, _ = min(added, key=str)
            raise Refused(
                f"This cannot be undone: a later row of {table} ({column}) refers to what the"
                " repair added.",
                UNDO_BY_HAND,
            )
    except sqlite3.Error as error:
        raise explained(error, unit) from error
    return rows.given_back


def _kept(aside: Aside, position: int) -> Kept:
    def row(action: RowMove) -> Row | None:
        values = aside.row(position)
        if values is None or len(values) != len(action.columns):
            return None
        kept = dict(zip(action.columns, values, strict=True))
        return kept if row_digest(kept, action.columns) == action.digest else None

    return row


def _require_tables(writer: Writer, unit: Unit) -> None:
    """Raise :class:`Refused` where a migration was undone before what was done after it."""
    there = {row[0] for row in writer.query("SELECT name FROM sqlite_master WHERE type = 'table'")}
    gone = {a.table for a in unit.actions if isinstance(a, WITH_TABLE)} - there
    if gone:
        raise Refused(
            f"This cannot be undone: the database has no table {min(gone)} any more, because an"
            " earlier schema was restored.",
            UNDO_BY_HAND,
        )
