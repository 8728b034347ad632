"""What was done in a home, and which of it an ``undo`` takes back, in which order (R5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair.app.clean_locks import COMMAND as LOCK_CLEANING
from hermes_repair.app.environment import folder_of
from hermes_repair.app.receipts import RESTORE, replaced_in
from hermes_repair.app.recover import answer_of, said
from hermes_repair.home.layout import Home
from hermes_repair.model.actions import RowDelete
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import BadRecord, Refused
from hermes_repair.model.plans import VACUUM, Header, UnitState
from hermes_repair.model.values import Row, Value
from hermes_repair.records import plan_database
from hermes_repair.records.folder import Folder, number_of
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.repair.row_images import differing
from hermes_repair.store.connections import quote
from hermes_repair.store.file_state import main_alone


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of ``history``."""

    path: Path
    header: Header
    units: int
    done: int
    undone: int
    unknown: int
    actions: int
    actions_done: int
    whole: bool  # undone by restoring its backup
    rewrites_files: bool = False  # and does nothing else
    replaced_by: Path | None = None  # a restore that put a copy from before this run back

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def can_be_undone(self) -> bool:
        done = self.done > 0 or (self.installs and self.state == "done")
        if self.vacuums and not self.has_backup:
            return False  # there is nothing to give back, and no row is another
        return done and (self.replaced_by is None or self.rewrites_files)

    @property
    def restores(self) -> bool:
        """Whether this run put a copy back."""
        return self.header.command == RESTORE

    @property
    def installs(self) -> bool:
        """Whether this run put a new database in the place of another, whose files are kept."""
        return self.header.installed is not None

    @property
    def vacuums(self) -> bool:
        """Whether this run wrote the database anew, every row as it was."""
        return self.header.command == VACUUM

    @property
    def has_backup(self) -> bool:
        """Whether the file from before this run is still kept."""
        backup = self.header.backup
        return backup is not None and (self.path.parent.parent / backup).is_file()

    @property
    def is_final(self) -> bool:
        """Whether this run did something that no undo takes back, because it has no steps."""
        return self.restores or self.answer is not None

    @property
    def cleans_locks(self) -> bool:
        """Whether this is a run of ``locks clean``, which stands outside the order (R5)."""
        return self.header.command == LOCK_CLEANING

    @property
    def answer(self) -> WalChoice | None:
        """What the user said of a -wal in question (DB002), where this run did that."""
        return answer_of(self.header.command)

    @property
    def state(self) -> str:
        """What became of the run, in one word."""
        if self.header.closed is None:
            return "unfinished"
        if self.header.undone is not None:
            return "undone"
        return "done" if self.done or self.is_final or self.installs else "nothing done"


def history(home: Home, left_out: list[tuple[Path, BadRecord]] | None = None) -> list[Entry]:
    """Return what was done, newest first. Changes nothing.

    ``left_out`` gets the receipts that cannot be read, each with the reason.
    """
    folder = folder_of(home)
    gone = replaced_in(folder)
    return [
        replace(entry, replaced_by=gone.get(path))
        for path, entry in plan_database.read_each(folder.receipt_paths()[::-1], _entry, left_out)
    ]


def _entry(receipt: PlanFile) -> Entry:
    states = [state for _, state in receipt.states()]
    return Entry(
        path=receipt.path,
        header=receipt.header(),
        units=len(states),
        done=states.count(UnitState.DONE),
        undone=states.count(UnitState.UNDONE),
        unknown=states.count(UnitState.UNKNOWN),
        actions=receipt.count_actions(),
        actions_done=receipt.count_actions(of=(UnitState.DONE, UnitState.UNDONE)),
        whole=receipt.changes_structure(),
        rewrites_files=receipt.rewrites_files(),
    )


def next_to_undo(entries: Sequence[Entry]) -> Entry | None:
    """Return what an ``undo`` without a name takes back, of a history with the newest first.

    Not a lock cleaning, which a timer has made since, as long as there is anything else. None also
    where the newest run put a copy back, or said what a -wal is: an earlier one is not meant by
    "the last", then.
    """
    open_ones = [entry for entry in entries if entry.can_be_undone or entry.is_final]
    others = (entry for entry in open_ones if not entry.cleans_locks)
    newest = next(others, next(iter(open_ones), None))
    return newest if newest is not None and newest.can_be_undone else None


def continued(entries: Sequence[Entry], entry: Entry) -> list[Entry]:
    """Return the runs that were cut off and that a run went on with, the latest first.

    Those that an undo can still take back.
    """
    by_name = {one.name: one for one in entries if one.can_be_undone}
    found: list[Entry] = []
    while (before := by_name.pop(entry.header.continues or "", None)) is not None:
        found.append(before)
        entry = before
    return found


def to_undo(
    home: Home, named: str | None, left_out: list[tuple[Path, BadRecord]] | None = None
) -> list[Entry]:
    """Return what an undo would take back, last first: one run and what was done after it.

    Without a name it is the newest, with those that were cut off and that it went on with. A later
    lock cleaning stays, unless a row that it removed is one that a run below it had left: only then
    does that run's state come back with it alone. ``left_out`` gets the receipts that cannot be
    read. Raises :class:`Refused` where there is nothing to undo.
    """
    folder = folder_of(home)
    bad = left_out if left_out is not None else []
    everything = history(home, bad)
    entries = [entry for entry in everything if entry.can_be_undone]
    if named is not None:
        path_named = folder.find_receipt(named)
        for path, error in bad:
            if path == path_named:
                raise error
        first = next((entry for entry in entries if entry.path == path_named), None)
        meant = next(entry for entry in everything if entry.path == path_named)
        if meant.is_final:
            raise _is_final(folder, meant, entries)
        if meant.done and meant.replaced_by is not None and not meant.rewrites_files:
            raise _is_replaced(meant)
        if first is None:
            raise Refused(
                f"Receipt {path_named.stem} has nothing left to undo.",
                advice("`{}` shows what can be undone.", command("history")),
            )
    else:
        first = next_to_undo(everything)
        final = next((entry for entry in everything if entry.is_final), None)
        if first is None and final is not None:
            raise _is_final(folder, final, entries)
        if first is None and not everything:
            raise Refused("There is nothing to undo.", "Nothing has been done here yet.")
        if first is None:
            why = advice("`{}` shows why.", command("history"))
            raise Refused("There is nothing to undo.", why)
        first = next(reversed(continued(everything, first)), first)
    taken = [first]
    for later in reversed(entries[: entries.index(first)]):
        if later.header.store != first.header.store:
            continue  # of another file
        if not later.cleans_locks or any(_left_to(folder, below, later) for below in taken):
            taken.append(later)
    return taken[::-1]


def _is_final(folder: Folder, entry: Entry, others: Sequence[Entry]) -> Refused:
    """Return why a run without steps is not undone, and what can be done instead."""
    if entry.answer is not None:
        return _is_an_answer(folder, entry, others)
    kept = Path(entry.header.backup or "").parent.name
    return Refused(
        f"{entry.name} restored {entry.header.restored}, and `undo` does not revert that.",
        advice(
            f"The state before is backup {{}}: `{{}}` brings it back.{_EARLIER if others else ''}",
            kept,
            command("restore", kept),
            *[UNDO_ONE] * bool(others),
        ),
    )


def _is_replaced(entry: Entry) -> Refused:
    """Return why a run whose work was replaced by an older copy cannot be undone."""
    by = entry.replaced_by.stem if entry.replaced_by is not None else ""
    return Refused(
        f"{entry.name} cannot be undone: {by} restored a copy from before it, so what it did is no"
        " longer in the database.",
        advice("`{}` shows what was done since.", command("history")),
    )


def _is_an_answer(folder: Folder, entry: Entry, others: Sequence[Entry]) -> Refused:
    """Return why an answer to DB002 is not undone, and what can be done instead."""
    place = (folder.path / (entry.header.backup or "")).parent
    what = said(entry.answer) if entry.answer is not None else ""
    return Refused(
        f"{what} by {entry.name}, and `undo` does not revert that: nothing proves which of the two"
        f" was right. Both files as they were are in {place}.",
        advice(
            f"To read them, copy both to another folder.{_EARLIER if others else ''}",
            *[UNDO_ONE] * bool(others),
        ),
    )


_EARLIER = " `{}` undoes an earlier run by its name."
UNDO_ONE = command("undo", "RECEIPT")


def staying(home: Home, taken: Sequence[Entry]) -> list[Entry]:
    """Return the lock cleanings made since that an undo of ``taken`` leaves as they are."""
    oldest = min(number_of(entry.path) for entry in taken)
    return [
        entry
        for entry in history(home)
        if entry.cleans_locks
        and entry.can_be_undone
        and entry not in taken
        and number_of(entry.path) > oldest
    ]


def _left_to(folder: Folder, below: Entry, cleaning: Entry) -> bool:
    """Whether a row that a lock cleaning removed may be one that an earlier run had left."""
    removed = _removed(cleaning)
    if below.whole:
        return _in_backup(folder, below, removed)
    with plan_database.read(below.path) as receipt:
        return not receipt.tables_written().isdisjoint(gone.table for gone in removed)


def _in_backup(folder: Folder, below: Entry, removed: Sequence[RowDelete]) -> bool:
    """Whether the backup that undoes a run has one of these rows, as it was when it was removed."""
    backup = folder.path / (below.header.backup or "")
    if not backup.is_file():
        return False  # the undo itself says that it is gone
    with main_alone(backup, malformed=True) as look:
        return any(
            not differing(row, gone.before)
            for gone in removed
            if look.has(gone.table)
            for row in look.rows_of(gone.table, *_where(gone.key))
        )


def _where(key: Row) -> tuple[str, list[Value]]:
    return " AND ".join(f"{quote(column)} IS ?" for column in key), list(key.values())


def _removed(cleaning: Entry) -> list[RowDelete]:
    with plan_database.read(cleaning.path) as receipt:
        return [
            action
            for record in receipt.records()
            if record.state is UnitState.DONE
            for action in record.unit.actions
            if isinstance(action, RowDelete)
        ]
