"""What a crash left: runs that were cut off (RP001), and a -wal that may not belong here (DB002).

Of a run that was cut off it is said what became of every unit, and its receipt is closed. With a
-wal in question is done what the user says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from hermes_repair.app.apply_units import ROOM, close_receipt
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import (
    FileStatus,
    copy_private,
    lies_beside,
    read_file_status,
)
from hermes_repair.app.files_of_home import FilesOfHome
from hermes_repair.app.install_salvaged import settle_all
from hermes_repair.app.leftovers import remove_leftovers
from hermes_repair.app.preflight import (
    bundle,
    copy_as_files,
    require_alone,
    require_no_question,
    require_writable,
    set_wal_aside,
)
from hermes_repair.app.receipts import (
    ANSWERS,
    RESTORE,
    close_empty,
    is_open,
    left_by_us,
    write_empty,
)
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused
from hermes_repair.model.plans import Header, Outline, UnitState
from hermes_repair.model.words import count, verb
from hermes_repair.records import plan_database
from hermes_repair.records.folder import Folder
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.repair.settling import settle
from hermes_repair.store.backup import same_structure, settle_wal
from hermes_repair.store.file_state import soundness_by_answer
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
        if not outline.tables and not any(outline.undone_by):
            return False
        named = {outline.unit.subject, *outline.unit.sessions}
        return self.whole or not self.about.isdisjoint(named)


def cut_off(folder: Folder) -> CutOff:
    """Return the runs that :func:`recover` would settle. Changes nothing."""
    receipts: list[str] = []
    about: set[str] = set()
    whole = False
    for path, other in plan_database.read_each(folder.receipt_paths(), _about):
        if other is not None:
            receipts.append(path.stem)
            about |= other.about
            whole = whole or other.whole
    return CutOff(tuple(receipts), frozenset(about), whole)


def cut_off_run(folder: Folder, command: str) -> str | None:
    """Return the newest receipt of a run of ``command`` that was cut off; None for none.

    A run that was being undone is not among them.
    """
    headers = plan_database.read_each(folder.receipt_paths()[::-1], PlanFile.header)
    return next(
        (
            path.stem
            for path, header in headers
            if is_open(header) and header.command == command and header.undoing is None
        ),
        None,
    )


def _about(receipt: PlanFile) -> CutOff | None:
    if not is_open(receipt.header()):
        return None
    about = receipt.subjects()
    return CutOff((), about, receipt.changes_structure())


def recover(run: Run) -> list[str]:
    """Settle every unfinished receipt; return one sentence each. Nothing is applied here.

    The rest of an unfinished repair is found again by the next look, because a unit is whole or
    not there at all. Raises :class:`InUse` where somebody has the database open.
    """
    home, folder = run.home, run.folder
    sentences = [*settle_all(run), *remove_leftovers(run)]
    for path, header in list(plan_database.read_each(folder.receipt_paths(), _open_header)):
        if header is None:
            continue
        open_undo = header.undoing is not None and header.undone is None
        file_status = read_file_status(home)
        if header.command == RESTORE and file_status.marks == header.base:
            folder.discard(path)
            sentences.append(
                f"Receipt {path.stem} was interrupted before it restored {header.restored}: it"
                " changed nothing."
            )
            continue
        require_alone(file_status)
        with plan_database.read(path) as receipt:
            malformed = receipt.mends_schema()
        looks_up = header.command != RESTORE and answer_of(header.command) is None
        looks_up = looks_up and not malformed
        require_no_question(run, file_status, looks_up=looks_up)
        require_writable(run, ROOM + sum(astuple(file_status.sides)))
        bundle(run, file_status, folder.backup_dir(path))
        like_backup = _like(folder.path / header.backup if header.backup else None)
        # The receipt stays open until the -wal is settled: it says whose that is.
        with plan_database.edit(path) as receipt:
            with writing(home.database, live=False, malformed=malformed) as writer:
                noted = settle(writer, receipt, like_backup, FilesOfHome(home), undoing=open_undo)
            if open_undo:
                rest = [s for _, s in receipt.states() if s is UnitState.DONE]
                receipt.set_header(undoing=None, undone=None if rest else run.now())
            states = [state for _, state in receipt.states()]
        close_receipt(run, path)
        if header.command == RESTORE:
            sentences.append(
                f"Receipt {path.stem} was interrupted while it restored {header.restored}: the"
                f" state before is in {folder.path / (header.backup or '')}."
            )
            continue
        if answer_of(header.command) is not None:
            sentences.append(
                f"Receipt {path.stem} was interrupted while it dealt with a -wal, which is settled"
                f" now; both files as they were are in {folder.backup_dir(path)}."
            )
            continue
        unknown = sum(1 for state in noted.values() if state is UnitState.UNKNOWN)
        how_many = _how_many(states, undoing=open_undo)
        more = f"; of {unknown:,} it cannot be told" if unknown else ""
        sentences.append(f"Receipt {path.stem} was interrupted: {how_many}{more}.")
    return sentences + _take_in(run)


def _how_many(states: Sequence[UnitState], *, undoing: bool) -> str:
    """Return how many steps of a run that was cut off were done, or taken back, of how many."""
    undone = states.count(UnitState.UNDONE)
    done = undone if undoing else states.count(UnitState.DONE)
    number = undone + states.count(UnitState.DONE) if undoing else len(states)
    how = "undone" if undoing else "done"
    return f"{done:,} of {count(number, 'step')} {verb(done, 'was', 'were')} {how}"


def _open_header(receipt: PlanFile) -> Header | None:
    """Return the header of a run that was cut off; raises :class:`BadRecord` for an edited one."""
    header = receipt.header()
    if not is_open(header):
        return None
    receipt.require_sealed()
    return header


def _take_in(run: Run) -> list[str]:
    """Take in the -wal that an earlier run of ours had to leave, and say so.

    Raises :class:`Refused` where that is still not possible: nothing else would be, then.
    """
    if not lies_beside(run.home):
        return []
    file_status = read_file_status(run.home)
    left = left_by_us(run.folder, file_status)
    if left is None or not file_status.alone or not file_status.left_behind:
        return []
    require_no_question(run, file_status)
    require_writable(run, ROOM + sum(astuple(file_status.sides)))
    bundle(run, file_status, run.folder.backup_dir(left))
    try:
        with writing(run.home.database, live=False) as writer:
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


def answer_wal(run: Run, choice: WalChoice) -> str:
    """Do what the user said about a -wal in question, and say so in one sentence.

    Both files are kept as they are before, and a receipt says where: it is written before the
    first of them changes, and closed after. Raises :class:`Refused` for an answer that damages.
    """
    home, folder = run.home, run.folder
    file_status = read_file_status(home)
    require_alone(file_status)
    require_writable(run, 2 * sum(astuple(file_status.sides)))
    _require_sound(home, file_status, choice)
    path = folder.new_receipt(ANSWERS[choice], run.now())
    place = folder.make(folder.backup_dir(path))
    copy_as_files(run, file_status, place)
    backup = str((place / "state.db").relative_to(folder.path))
    write_empty(run, path, file_status.marks, ANSWERS[choice], backup=backup)
    if choice is WalChoice.IGNORE:
        set_wal_aside(home)
    else:
        with writing(home.database, live=False) as writer:
            settle_wal(writer)
    close_empty(run, path)
    return f"{said(choice)}; both files as they were are in {place}."


def _require_sound(home: Home, file_status: FileStatus, choice: WalChoice) -> None:
    """Raise :class:`Refused` where an answer would leave a damaged database."""
    soundness = soundness_by_answer(home.database, file_status.sides, copy_private)
    if soundness[choice].sound:
        return
    other = next(answer for answer in WalChoice if answer is not choice)
    without = "with" if choice is WalChoice.USE else "without"
    raise Refused(
        f"`--wal {choice.value}` would damage the database: {without} the -wal SQLite finds"
        f" {soundness[choice].complaints[0]}.",
        advice(
            "Nothing was changed. The other answer is sound: {}",
            command("repair", "--wal", other.value),
        )
        if soundness[other].sound
        else advice(
            "Nothing was changed. `{}` shows copies that can be restored.", command("backup list")
        ),
    )


def said(choice: WalChoice) -> str:
    """Return what an answer does, as a sentence about what was done."""
    return "The -wal was set aside" if choice is WalChoice.IGNORE else "The -wal was merged"


def answer_of(command: str) -> WalChoice | None:
    """Return the answer that a receipt of this command keeps, None for any other run."""
    return next((choice for choice, name in ANSWERS.items() if name == command), None)
