"""``salvage --install``: what can be read of a damaged database takes its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, read_what_is_left
from hermes_repair.app.install_salvaged import Cause, Installed, replace_database, settle_all
from hermes_repair.app.leftovers import remove_leftovers
from hermes_repair.app.preflight import file_state, kept_name, require_alone, single_run
from hermes_repair.app.salvage import Salvaged
from hermes_repair.app.salvage_home import salvaging
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.commands_to_type import advice, command, salvage_command
from hermes_repair.model.errors import DatabaseUnreadable, Refused
from hermes_repair.model.salvage_ledger import Ledger, ids_in
from hermes_repair.records.folder import SALVAGED
from hermes_repair.salvage.account import MESSAGES
from hermes_repair.store.file_state import IN_QUESTION


@dataclass(frozen=True, slots=True)
class SalvagedInPlace:
    """What a salvage found, and what became of the old files; ``installed`` is None if declined.

    ``name`` is that of the database. ``recovered`` tells of runs that had been cut off.
    """

    name: str
    ledger: Ledger
    installed: Installed | None
    recovered: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all that was there is in place, and nobody works on the old file."""
        in_place = self.installed is not None and not self.installed.late
        return in_place and self.ledger.complete


def salvage_and_install(
    run: Run,
    wal: WalChoice | None,
    agree: Callable[[Ledger], bool],
    *,
    deleted: bool = False,
) -> SalvagedInPlace:
    """Read a damaged database, make a new one and put it in its place.

    ``agree`` hears what can be read before anything is written. The ledger and the side files are
    kept with the old files. Raises what :func:`~hermes_repair.app.install_salvaged.install` does,
    and what :func:`~hermes_repair.app.salvage_home.salvaging` does.
    """
    folder, name = run.folder, run.home.database_name
    if run.home.database.is_relative_to(run.home.records):
        raise Refused(
            f"{name} is a file of hermes-repair's own, which it does not replace.",
            advice(
                "Nothing was changed. What can be read of it, into a new file: `{}`",
                salvage_command(run.home.store, "--out", "FILE"),
            ),
        )
    require_alone(read_what_is_left(run.home))
    with single_run(folder):
        recovered = (*settle_all(run), *remove_leftovers(run))
        file_status = read_what_is_left(run.home)
        require_alone(file_status)
        _require_damage(run, file_status)
        marks = file_status.marks
        with salvaging(run, wal) as reading:
            _require_a_table(run, reading.ledger)
            if not agree(reading.ledger):
                return SalvagedInPlace(name, reading.ledger, None, recovered)
            place = folder.new_backup(SALVAGED, run.now())
            try:
                made = reading.make(place / kept_name(run.home), deleted=deleted)
            except BaseException:
                folder.remove_backup(place)
                raise
        try:
            of_chats = run.home.store is None
            # Of any other it is not proven that only the damage took it out of its chat.
            lost = ids_in(made.ledger.table(MESSAGES).lost_shown) if of_chats else frozenset()
            installed = replace_database(
                run, made.database, marks, Cause(lost=lost, beside=_beside(made))
            )
        finally:
            folder.remove_backup(place)
    return SalvagedInPlace(name, made.ledger, installed, recovered)


def why_not(run: Run, found: Ledger) -> Refused | None:
    """Return why nothing may take the place of these files, None where something may.

    ``found`` is what was read of them: where that lacks anything there is damage.
    """
    if found.unread_pages or any(table.lost_rows for table in found.tables):
        return None
    try:
        _require_damage(run, read_what_is_left(run.home))
    except Refused as error:
        return error
    return None


def _require_damage(run: Run, file_status: FileStatus) -> None:
    """Raise :class:`Refused` where Hermes can go on with the files as they are."""
    if not file_status.sides.main:
        return
    try:
        state = file_state(run, file_status)
    except DatabaseUnreadable:
        return
    if state.side in IN_QUESTION or state.soundness is None or not state.soundness.sound:
        return
    if file_status.perhaps_headless:
        raise Refused(
            f"The first page of {run.home.database_name} is gone, and the -wal beside it has it:"
            " together they are whole.",
            "Nothing was changed. Hermes puts it back when it starts. Until then keep both"
            " together.",
        )
    raise Refused(
        f"{run.home.database} is sound: there is nothing to salvage.",
        advice(
            "Nothing was changed. `{}` says what else there is; a new file all the same: `{}`.",
            command("doctor"),
            salvage_command(run.home.store, "--out", "FILE"),
        ),
    )


def _require_a_table(run: Run, ledger: Ledger) -> None:
    """Raise :class:`Refused` where what can be read has no table: the file would be empty."""
    if not any(table.read for table in ledger.tables):
        raise Refused(
            f"Of no row of {run.home.database_name} it is known which table it was in, so nothing"
            " can take its place.",
            advice(
                "Nothing was changed. Its rows without a table: `{}`",
                salvage_command(run.home.store, "--out", "FILE"),
            ),
        )


def _beside(made: Salvaged) -> dict[str, Path]:
    """Return what is kept with the old files, by the name that it has there."""
    files = {"ledger.json": made.ledger_file, "unassigned.db": made.unassigned}
    files["deleted.db"] = made.deleted
    return {name: path for name, path in files.items() if path is not None}
