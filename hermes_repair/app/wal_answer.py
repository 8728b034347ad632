"""A -wal that may not belong to its file (DB002): doing what the user said about it."""

from __future__ import annotations

from dataclasses import astuple

from hermes_repair import __version__
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import FileStatus, copy_private, marks_left, read_file_status
from hermes_repair.app.preflight import copy_as_files, require_alone, require_writable
from hermes_repair.app.receipts import identify
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import Refused
from hermes_repair.model.plans import Header
from hermes_repair.records import plan_database
from hermes_repair.records.folder import Folder
from hermes_repair.store.backup import settle_wal
from hermes_repair.store.file_state import soundness_by_answer
from hermes_repair.store.writer import writing

COMMANDS = {choice: f"repair-wal-{choice.value}" for choice in WalChoice}
"""What receipts of an answer are called. They have no steps: `undo` takes none of them back."""


def answer_wal(home: Home, folder: Folder, environment: Environment, choice: WalChoice) -> str:
    """Do what the user said about a -wal in question, and say so in one sentence.

    Both files are kept as they are before, and a receipt says where: it is written before the
    first of them changes, and closed after. Raises :class:`Refused` for an answer that damages.
    """
    file_status = read_file_status(home)
    require_alone(home, file_status)
    require_writable(home, file_status, folder, 2 * sum(astuple(file_status.sides)))
    _require_sound(home, file_status, choice)
    path = folder.new_receipt(COMMANDS[choice], environment.now())
    place = folder.make(folder.backup_dir(path))
    copy_as_files(home, file_status, folder, place)
    header = Header(
        tool_version=__version__,
        command=COMMANDS[choice],
        created=environment.now(),
        database=str(home.database),
        base=file_status.marks,
        schema=None,
        backup=str((place / "state.db").relative_to(folder.path)),
        home=identify(folder, environment.random),
    )
    with plan_database.create(path, header):
        pass  # it has no steps: what was there is in the files alone
    folder.own(path)
    if choice is WalChoice.IGNORE:
        set_wal_aside(home)
    else:
        with writing(home.database, live=False) as writer:
            settle_wal(writer)
    with plan_database.edit(path) as receipt:
        receipt.set_header(closed=environment.now(), left=marks_left(home))
    plan_database.sync(path)
    return f"{said(choice)}; both files as they were are in {place}."


def _require_sound(home: Home, file_status: FileStatus, choice: WalChoice) -> None:
    """Raise :class:`Refused` where an answer would leave a damaged database."""
    found = soundness_by_answer(home.database, file_status.sides, copy_private)
    if found[choice].sound:
        return
    other = next(answer for answer in WalChoice if answer is not choice)
    without = "with" if choice is WalChoice.USE else "without"
    raise Refused(
        f"`--wal {choice.value}` would damage the database: {without} the -wal SQLite finds"
        f" {found[choice].complaints[0]}.",
        advice(
            "Nothing was changed. The other answer is sound: {}",
            command("repair", "--wal", other.value),
        )
        if found[other].sound
        else advice(
            "Nothing was changed. `{}` shows copies that can be restored.", command("backup list")
        ),
    )


def said(choice: WalChoice) -> str:
    """Return what an answer does, as a sentence about what was done."""
    return "The -wal was set aside" if choice is WalChoice.IGNORE else "The -wal was merged"


def answer_of(command: str) -> WalChoice | None:
    """Return the answer that a receipt of this command keeps, None for any other run."""
    return next((choice for choice, name in COMMANDS.items() if name == command), None)


def set_wal_aside(home: Home) -> None:
    """Take leftover side files away from a database that nobody has open; the copy keeps them."""
    for suffix in ("-wal", "-shm", "-journal"):
        home.database.with_name(home.database.name + suffix).unlink(missing_ok=True)
