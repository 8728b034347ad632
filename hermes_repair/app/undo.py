"""``undo``: taking back what was done, last in first out (R5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.apply_units import PATIENCE, ROOM, counting
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, copy_private, marks_left, read_file_status
from hermes_repair.app.files_of_home import FilesOfHome
from hermes_repair.app.history import Entry, to_undo
from hermes_repair.app.install_salvaged import uninstall
from hermes_repair.app.merge_units import MERGE
from hermes_repair.app.merged_chats import require_unused
from hermes_repair.app.preflight import (
    bundle,
    guard_alone,
    require_alone,
    require_no_question,
    require_same_base,
    require_writable,
    single_run,
)
from hermes_repair.app.receipts import identity
from hermes_repair.app.recover import recover
from hermes_repair.app.target_release import installed_for
from hermes_repair.home.installs import serving
from hermes_repair.model.actions import RowInsert
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import (
    BadRecord,
    HermesRepairError,
    NotNoted,
    Refused,
    WrittenSince,
)
from hermes_repair.model.plans import UnitState
from hermes_repair.model.values import Row
from hermes_repair.model.words import count
from hermes_repair.records import plan_database
from hermes_repair.records.folder import Folder
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.repair import executor
from hermes_repair.schema.data_steps import STEP
from hermes_repair.store.backup import (
    TableDifference,
    differing_tables,
    put_back,
    raise_sequences,
    sequences,
)
from hermes_repair.store.private_copies import scratch
from hermes_repair.store.writer import writing


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo took back. ``recovered`` tells of runs that had been cut off.

    ``given_back`` are messages that had vanished since a repair moved them, ``left_out`` receipts
    that cannot be read, with the reason. ``kept`` are later runs that stay, because something was
    written since: they made only indexes anew, which follow their tables by themselves, wrote only
    files, which Hermes has written since, or wrote the database anew as it was.
    """

    entries: tuple[Entry, ...]
    units: int
    recovered: tuple[str, ...]
    declined: bool = False
    given_back: int = 0
    left_out: tuple[tuple[Path, BadRecord], ...] = ()
    kept: tuple[Entry, ...] = ()


def require_undoable(run: Run, named: str | None) -> list[Entry]:
    """Return what :func:`to_undo` says; raises :class:`Refused` where it is not ours to undo."""
    read_file_status(run.home)  # raises where there is no database to change
    entries = to_undo(run.home, named)
    for entry in entries:
        _require_ours(run.folder, entry)
    return entries


def undo(run: Run, named: str | None, agree: Callable[[list[Entry]], bool]) -> Undone:
    """Take back what :func:`to_undo` says. Each receipt is whole before the next begins.

    Raises :class:`Refused` where something that we wrote was changed since, naming it; what was
    undone before that stays undone.
    """
    folder = run.folder
    read_file_status(run.home)  # raises where there is no database to change
    with single_run(folder):
        recovered = tuple(recover(run))
        left_out: list[tuple[Path, BadRecord]] = []
        entries = to_undo(run.home, named, left_out)
        for entry in entries:
            _require_ours(folder, entry)
        if not agree(entries):
            return Undone((), 0, recovered, declined=True, left_out=tuple(left_out))
        units = given_back = 0
        kept: list[Entry] = []
        for entry in entries:
            file_status = read_file_status(run.home)
            require_alone(file_status)
            try:
                if entry.installs:
                    uninstall(run, entry.path, entry.header)
                    units += 1
                elif entry.whole:
                    units += _restore(run, entry)
                else:
                    outcome = _invert(run, entry, file_status)
                    units += len(outcome.done)
                    given_back += outcome.given_back
            except WrittenSince:
                no_row = entry.rewrites_files or entry.vacuums or _made_indexes_only(entry)
                if entry is entries[-1] or not no_row:
                    raise
                kept.append(entry)
    return Undone(
        tuple(entry for entry in entries if entry not in kept),
        units,
        recovered,
        given_back=given_back,
        left_out=tuple(left_out),
        kept=tuple(kept),
    )


def _made_indexes_only(entry: Entry) -> bool:
    with plan_database.read(entry.path) as receipt:
        return receipt.makes_indexes_only()


def _require_ours(folder: Folder, entry: Entry) -> None:
    """Raise :class:`Refused` for a receipt that was edited, or that another home's run wrote."""
    with plan_database.read(entry.path) as receipt:
        receipt.require_sealed()
    if entry.header.home is None or entry.header.home != identity(folder):
        raise Refused(
            f"{entry.path} is the receipt of another home ({entry.header.database}), so it is not"
            " undone here.",
            advice(
                "Nothing was changed. Move that file away; `{}` lists the receipts of this home.",
                command("history"),
            ),
        )
    backup = entry.header.backup
    if backup is not None and (folder.path / backup).resolve().parent.parent != (
        folder.backups.resolve()
    ):
        raise Refused(
            f"{entry.path} names a backup that is not in {folder.backups}.",
            "Nothing was changed. Move that file away, then run this again.",
        )


def _invert(run: Run, entry: Entry, file_status: FileStatus) -> executor.Outcome:
    home, environment = run.home, run.environment
    need = ROOM + 2 * entry.path.stat().st_size
    require_writable(run, need)
    with plan_database.read(entry.path) as noted:
        tables = noted.tables()
        if entry.header.command == MERGE:
            require_unused(run, noted)
        number = sum(state is UnitState.DONE for _, state in noted.states())
    require_no_question(run, file_status, looks_up=True, tables=tables)
    bundle(run, file_status, run.folder.backup_dir(entry.path))
    around = executor.Surroundings(
        guard=guard_alone(run),
        keep=lambda _copies: None,
        resolve=_unused,
        tell=counting(environment, number, "undone: "),
        random=environment.random,
        patience=PATIENCE,
        exclusive=True,
        files=FilesOfHome(home),
    )
    # The receipt stays open until the -wal is settled: it says whose that is.
    with plan_database.edit(entry.path) as receipt:
        receipt.set_header(undoing=run.now())
        plan_database.sync(entry.path)
        try:
            with writing(home.database, live=False) as writer:
                outcome = executor.undo(writer, receipt, around)
        except NotNoted:
            raise
        except HermesRepairError:
            _close_undo(run, receipt)
            raise
        _close_undo(run, receipt)
    plan_database.sync(entry.path)
    return outcome


def _close_undo(run: Run, receipt: PlanFile) -> None:
    """Note that an undo came to its end, with what is left to take back or without."""
    left = [state for _, state in receipt.states() if state is UnitState.DONE]
    undone = None if left else run.now()
    receipt.set_header(undoing=None, undone=undone, left=marks_left(run.home))


def _restore(run: Run, entry: Entry) -> int:
    """Put the backup of a migration back, if nothing was written since."""
    home, folder = run.home, run.folder
    if entry.header.backup is None:
        raise Refused(f"Receipt {entry.name} has no backup to restore.")
    backup = folder.path / entry.header.backup
    if not backup.is_file():
        raise Refused(
            f"The backup {backup} is gone, so {entry.name} cannot be undone.",
            advice("`{}` shows all backups.", command("backup list")),
        )
    file_status = read_file_status(home)
    require_writable(run, ROOM + 2 * file_status.sides.main)
    require_no_question(run, file_status)
    bundle(run, file_status, run.folder.backup_dir(entry.path))
    with scratch(6 * backup.stat().st_size) as place:
        marks = _require_unwritten(run, file_status, entry, backup, place)
        lower = {t: m for t, m in marks.items() if m > sequences(backup).get(t, 0)}
        if lower:
            host.copy_files([(backup, place / "raised.db")], fsync=False)
            backup = place / "raised.db"
            raise_sequences(backup, lower)
        guard_alone(run)()
        with plan_database.edit(entry.path) as receipt:
            receipt.set_header(undoing=run.now())
            plan_database.sync(entry.path)
            try:
                put_back(backup, home.database, lambda: require_same_base(home, file_status.marks))
            except HermesRepairError:
                # It is done whole or not at all.
                receipt.set_header(undoing=None, left=marks_left(home))
                raise
            done = [number for number, state in receipt.states() if state is UnitState.DONE]
            receipt.set_states(done, UnitState.UNDONE)
            receipt.set_header(undoing=None, undone=run.now(), left=marks_left(home))
    plan_database.sync(entry.path)
    return len(done)


def _require_unwritten(
    run: Run, file_status: FileStatus, entry: Entry, backup: Path, place: Path
) -> dict[str, int]:
    """Prove that nothing was written since, by doing it again on a copy (R5).

    The plan is data, so backup plus plan is what the run left, to the row; any other row in
    the database came later. Returns the AUTOINCREMENT marks of now, which undo does not lower.
    Raises :class:`Refused` naming the tables.
    """
    expected, now = place / "expected.db", place / "now.db"
    host.copy_files([(backup, expected)], fsync=False)
    pairs = file_status.copies(run.home.database, now)
    # SQLite makes the -shm of a copy anew.
    copy_private([pair for pair in pairs if not pair[1].name.endswith("-shm")])
    with (
        plan_database.read(entry.path) as receipt,
        writing(expected, live=False, malformed=receipt.mends_schema()) as writer,
    ):
        numbers = [n for n, state in receipt.states() if state is UnitState.DONE]
        executor.replay(writer, receipt, numbers, run.environment.random)
    with writing(now, live=False) as writer:
        writer.query("PRAGMA wal_checkpoint(TRUNCATE)")
    differences = differing_tables(expected, now)
    if differences:
        what = ", ".join(dict.fromkeys(map(_in_words, differences)))
        raise WrittenSince(
            f"The database was written to after {entry.name}: {what}. Restoring the backup would"
            " lose that.",
            advice("Keep what it did, or lose that on purpose: {}", command("restore", entry.name)),
        )
    return sequences(now)


def _in_words(difference: TableDifference) -> str:
    """Return where something was written; the tables of the search index are one thing."""
    if difference.table.startswith("messages_fts"):
        return "the search index"
    what = "its columns" if difference.columns else count(difference.rows, "row")
    return f"{difference.table} ({what})"


def _unused(_action: RowInsert) -> Row:
    raise AssertionError("an undo inserts nothing that comes from a transcript")


def warnings(run: Run, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return one sentence for everything that Hermes would do again after these are taken back."""
    numbers = [pair for entry in entries if (pair := _numbers(entry)) is not None]
    if not numbers:
        return ()
    start, target = min(number for number, _ in numbers), max(number for _, number in numbers)
    known = serving(installed_for(run, read_file_status(run.home).openers))
    sentences = []
    if known is not None and known.number is not None and known.number > start:
        sentences.append(
            f"The database is then at schema {start}, and Hermes {known.release} ({known.how})"
            f" expects {known.number}: its next start migrates it again, without a backup."
        )
    if start < STEP <= target:
        sentences.append(
            "The first start of Hermes 0.17.0 or later will mark sessions as delegate runs by"
            " their shape alone, and chats will vanish from its lists (LN010)."
        )
    return tuple(sentences)


def _numbers(entry: Entry) -> tuple[int, int] | None:
    """Return (start, target) of a migration to a later number, None for any other run."""
    if entry.header.command != "migrate" or not entry.whole:
        return None
    start, target = entry.header.schema, entry.header.target
    if start is not None and target is not None:
        return (start, target) if start != target else None
    with plan_database.read(entry.path) as receipt:  # of 0.1.0, which kept them in words only
        first, _, last = receipt.record(1).unit.subject.partition(" -> ")
    return (int(first), int(last)) if first.isdigit() and last.isdigit() else None
