"""After a kill: say what became of every unit, and close the receipt (RP001)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

from hermes_repair.app.apply_units import ROOM, close_receipt
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import read_file_status
from hermes_repair.app.preflight import (
    bundle,
    require_alone,
    require_no_question,
    require_writable,
)
from hermes_repair.app.receipts import RESTORE, is_open, left_by_us
from hermes_repair.app.wal_answer import answer_of
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import Refused
from hermes_repair.model.plans import Header, Outline, UnitState
from hermes_repair.model.words import count
from hermes_repair.records import plan_database
from hermes_repair.records.folder import Folder
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.repair.executor import settle
from hermes_repair.store.backup import same_structure, settle_wal
from hermes_repair.store.writer import Writer, writing

# `locks clean` beside a live Hermes neither finishes nor closes what another command began.


@dataclass(frozen=True, slots=True)
class CutOff:
    """Runs that were cut off and are not settled yet: their receipts, and what they are about.

    ``whole``: one of them changes structure, so that all of the database is its.
    """

    receipts: tuple[str, ...] = ()
    about: frozenset[str] = frozenset()
    whole: bool = False

    def concerns(self, outline: Outline) -> bool:
        """Whether a unit is about something that has to be settled first.

        One that only copies files is about no row, whatever the run was at work on.
        """
        if not outline.tables and not outline.needs_backup:
            return False
        named = {outline.unit.subject, *outline.unit.sessions}
        return self.whole or not self.about.isdisjoint(named)


def cut_off(folder: Folder) -> CutOff:
    """Return the runs that :func:`recover` would settle. Changes nothing."""
    receipts: list[str] = []
    about: set[str] = set()
    whole = False
    for path, found in plan_database.read_each(folder.receipt_paths(), _about):
        if found is not None:
            receipts.append(path.stem)
            about |= found.about
            whole = whole or found.whole
    return CutOff(tuple(receipts), frozenset(about), whole)


def _about(receipt: PlanFile) -> CutOff | None:
    if not is_open(receipt.header()):
        return None
    about = receipt.sessions() | receipt.subjects()
    return CutOff((), about, receipt.changes_structure())


def recover(home: Home, folder: Folder, environment: Environment) -> list[str]:
    """Settle every unfinished receipt; return one sentence each. Nothing is applied here.

    The rest of an unfinished repair is found again by the next look, because a unit is whole or
    not there at all. Raises :class:`InUse` where somebody has the database open.
    """
    said: list[str] = []
    for path, header in list(plan_database.read_each(folder.receipt_paths(), _open_header)):
        if header is None:
            continue
        open_undo = header.undoing is not None and header.undone is None
        file_status = read_file_status(home)
        if header.command == RESTORE and file_status.marks == header.base:
            folder.discard(path)
            said.append(
                f"Receipt {path.stem} was interrupted before it restored {header.restored}: it"
                " changed nothing."
            )
            continue
        require_alone(home, file_status)
        looks_up = header.command != RESTORE and answer_of(header.command) is None
        require_no_question(home, file_status, folder, looks_up=looks_up)
        require_writable(home, file_status, folder, ROOM + sum(astuple(file_status.sides)))
        bundle(home, file_status, folder, folder.backup_dir(path))
        like_backup = _like(folder.path / header.backup if header.backup else None)
        # The receipt stays open until the -wal is settled: it says whose that is.
        with plan_database.edit(path) as receipt:
            with writing(home.database, live=False) as writer:
                noted = settle(writer, receipt, like_backup, undoing=open_undo)
            if open_undo:
                rest = [s for _, s in receipt.states() if s is UnitState.DONE]
                receipt.set_header(undoing=None, undone=None if rest else environment.now())
        close_receipt(path, home, folder, environment)
        if header.command == RESTORE:
            said.append(
                f"Receipt {path.stem} was interrupted while it restored {header.restored}: the"
                f" state before is in {folder.path / (header.backup or '')}."
            )
            continue
        if answer_of(header.command) is not None:
            said.append(
                f"Receipt {path.stem} was interrupted while it dealt with a -wal, which is settled"
                f" now; both files as they were are in {folder.backup_dir(path)}."
            )
            continue
        done = sum(1 for state in noted.values() if state in (UnitState.DONE, UnitState.UNDONE))
        unknown = sum(1 for state in noted.values() if state is UnitState.UNKNOWN)
        verb = "undone" if open_undo else "done"
        sentence = (
            f"Receipt {path.stem} was interrupted: {count(done, 'step')} of {len(noted)} found"
            f" {verb}"
        )
        said.append(sentence + (f", {unknown} cannot be told." if unknown else "."))
    return said + _take_in(home, folder)


def _open_header(receipt: PlanFile) -> Header | None:
    """Return the header of a run that was cut off; raises :class:`BadRecord` for an edited one."""
    header = receipt.header()
    if not is_open(header):
        return None
    receipt.require_sealed()
    return header


def _take_in(home: Home, folder: Folder) -> list[str]:
    """Take in the -wal that an earlier run of ours had to leave, and say so.

    Raises :class:`Refused` where that is still not possible: nothing else would be, then.
    """
    file_status = read_file_status(home)
    left = left_by_us(folder, file_status)
    if left is None or not file_status.alone or not file_status.left_behind:
        return []
    require_no_question(home, file_status, folder)
    require_writable(home, file_status, folder, ROOM + sum(astuple(file_status.sides)))
    bundle(home, file_status, folder, folder.backup_dir(left))
    try:
        with writing(home.database, live=False) as writer:
            settle_wal(writer)
    except sqlite3.Error as error:
        raise Refused(
            f"The -wal that {left.stem} left beside state.db still cannot be merged: {error}.",
            "Keep the two together and free some space (is the disk full?), then run the same"
            " command again.",
        ) from error
    return [f"The -wal that {left.stem} had left beside state.db was merged."]


def _like(backup: Path | None) -> Callable[[Writer], bool]:
    """Return the question whether a database still has the structure of this backup.

    A backup is complete before the first statement of its run, so without one nothing was done.
    """

    def ask(writer: Writer) -> bool:
        return backup is None or not backup.exists() or same_structure(writer, backup)

    return ask
