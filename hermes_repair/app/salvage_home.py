"""What is salvaged of a home: a database with what lies beside it, while nobody writes there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, read_what_is_left
from hermes_repair.app.install_salvaged import require_settled
from hermes_repair.app.preflight import file_state, require_alone, require_same_base
from hermes_repair.app.salvage import Reading, reading
from hermes_repair.app.target_release import expected_number
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.commands_to_type import advice, command, salvage_command
from hermes_repair.model.errors import DatabaseUnreadable, Refused
from hermes_repair.model.salvage_ledger import Noted
from hermes_repair.salvage import Bundle
from hermes_repair.store.file_state import IN_QUESTION, SideFile


@contextmanager
def salvaging(run: Run, wal: WalChoice | None = None) -> Iterator[Reading]:
    """Read the database of a home for what can be salvaged of it; nothing is written yet.

    The -wal is laid over it unless the user says otherwise, or it is proven to be of another
    state.db. Raises :class:`~hermes_repair.model.errors.InUse` where somebody has it open,
    :class:`~hermes_repair.model.errors.Refused` where only the user knows about the -wal (DB002),
    and what :func:`~hermes_repair.app.salvage.reading` raises.
    """
    home, environment = run.home, run.environment
    file_status = read_what_is_left(home)
    require_alone(file_status)
    require_settled(run.folder)
    if wal is None and file_status.sides.wal and file_status.sides.main:
        _require_no_question(run, file_status)
    bundle, notes = _bundle(file_status, wal)
    marks = file_status.marks
    with reading(
        bundle,
        environment.now_and_then(),
        environment.now(),
        lambda: require_same_base(home, marks),
        notes,
        expected_number(run, file_status.openers),
        run.home.database.name if run.home.store is not None else None,
    ) as opened:
        yield opened


def _require_no_question(run: Run, file_status: FileStatus) -> None:
    """Raise :class:`Refused` where state.db is sound without its -wal, and another one with it.

    A salvage that laid the -wal of another database over it would take its rows away.
    """
    try:
        state = file_state(run, file_status)
    except DatabaseUnreadable:
        return
    if state.side in IN_QUESTION:
        how = "the database is sound without it and damaged with it"
        if state.side is SideFile.AMBIGUOUS:
            how = "both ways the database is sound"
        raise Refused(
            f"DB002: the -wal beside {run.home.database_name} may not belong to it, and {how}.",
            advice(
                "Nothing was written. `{}` says more; then choose `{}` or `{}`.",
                command("doctor"),
                *(salvage_command(run.home.store, "--wal", choice.value) for choice in WalChoice),
            ),
        )


def _bundle(file_status: FileStatus, wal: WalChoice | None) -> tuple[Bundle, list[Noted]]:
    """Return the files to read, and what is said of those that are not.

    A link or a folder in the place of one is not followed.
    """
    facts, sides = file_status.facts, file_status.sides
    for file in (facts.wal, facts.journal):
        if file.errno is not None:
            raise Refused(
                f"This user may not read {file.path}.",
                "Run this as the owner of the Hermes folder.",
            )
    main, wal_path, journal = (facts.main.path, facts.wal.path, facts.journal.path)
    use_wal = bool(sides.wal) and facts.wal.kind == "file" and wal is not WalChoice.IGNORE
    notes = []
    if use_wal and wal is None and sides.main:
        why = host.read_wal(main, wal_path).contradiction()
        if why is not None:
            use_wal = False
            words = f"the -wal was left out, because {why}; --wal use takes it all the same"
            notes.append(Noted("wal_of_another_state", words, 1))
    use_journal = bool(sides.journal) and facts.journal.kind == "file"
    bundle = Bundle(
        main if sides.main else None,
        wal_path if use_wal else None,
        journal if use_journal else None,
    )
    return bundle, notes
