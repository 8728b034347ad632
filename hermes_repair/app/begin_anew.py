"""``salvage`` where there is no database to read: a new one, from a copy and the files.

It begins as the newest copy that is sound, or else as an empty database of the schema that the
installed Hermes expects, in the place of state.db or in a file of any name. Then `backfill` brings
back what transcript files have: of an empty one all of it, beside a copy what is proven lost. All
of that is shown before, on a new database that lies elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, look_from_outside
from hermes_repair.app.install_salvaged import (
    Installed,
    replace_database,
    require_settled,
    settle_all,
)
from hermes_repair.app.leftovers import remove_leftovers
from hermes_repair.app.preflight import require_alone, single_run
from hermes_repair.app.proposal import Proposal, Request, propose
from hermes_repair.app.repair import Repaired, repair
from hermes_repair.app.salvage import making, put, require_free
from hermes_repair.app.target_release import expected_number
from hermes_repair.evidence.sessions_elsewhere import find_remaining_files, sound_copies
from hermes_repair.home.layout import DATABASE, RECORDS_DIR
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import HermesRepairError, Refused
from hermes_repair.records.plan_database import sync
from hermes_repair.schema import catalogue_root
from hermes_repair.schema.catalogue import NEWEST_TARGET, default_catalogue
from hermes_repair.schema.sql_text import statements
from hermes_repair.store.backup import sound
from hermes_repair.store.new_database import FileFormat, new_database
from hermes_repair.store.private_copies import scratch

BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a home without a database can begin with.

    ``copy`` is the copy that becomes state.db, None where an empty one of ``schema`` does.
    ``proposal`` is what its files bring back then.
    """

    copy: Path | None
    schema: int
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Begun:
    """What became of it; ``filled`` is None where it was declined.

    ``installed`` is what took the place of state.db, ``written`` the file that was made instead.
    ``recovered`` tells of runs that had been cut off.
    """

    beginning: Beginning
    installed: Installed | None = None
    filled: Repaired | None = None
    written: Path | None = None
    recovered: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all that was shown is done."""
        return self.filled is not None and self.filled.complete


@contextmanager
def beginning(run: Run) -> Iterator[tuple[Path, Beginning]]:
    """Yield a new database that lies elsewhere, and what it and the files of the home have.

    Raises :class:`Refused` where there is neither a copy nor a file of chats, and
    :class:`~hermes_repair.model.errors.InUse` where somebody has the database open.
    """
    home = run.home
    file_status = look_from_outside(home)
    require_alone(file_status)
    require_settled(run.folder)
    if file_status.sides.main and not sound(home.database):
        raise Refused(
            f"{home.database} is sound; it only has no conversation.",
            advice("Nothing was changed. What files have: `{}`", command("backfill", "--all")),
        )
    remaining = find_remaining_files(home)
    copies = sound_copies(remaining)
    if not copies and not remaining.files and file_status.sides.main:
        name = home.database_name
        raise Refused(
            f"Nothing can be read of {name} (another program's file, or an encrypted one), and"
            f" {home.root} has no sound copy and no transcript.",
            f"Keep it, and look for a copy of {name} elsewhere. To begin with an empty one, move"
            f" {name} away, then start Hermes.",
        )
    if not copies and not remaining.files:
        raise Refused(
            f"{home.root} has no conversations: no database, no sound copy and no transcript.",
            "Start Hermes: it makes an empty database.",
        )
    copy = max((one.path for one in copies), key=lambda path: path.stat().st_mtime, default=None)
    with scratch(copy.stat().st_size if copy is not None else 1 << 20) as place:
        new = place / "state.db"
        number = _expected(run, file_status)
        if copy is not None:
            host.copy_files([(copy, new)])
        else:
            make_empty(new, number)
        elsewhere = Run(replace(home, database=new), run.environment)
        plans = place / "plans"
        plans.mkdir()
        proposal = propose(elsewhere, Request(LookOptions(), _selection(copy)), plans)
        yield new, Beginning(copy, proposal.schema or number, proposal)


def begin_anew(run: Run, agree: Callable[[Beginning], bool]) -> Begun:
    """Give a home its database: from the best copy, or empty, and filled from its files."""
    with single_run(run.folder):
        recovered = (*settle_all(run), *remove_leftovers(run))
        base = look_from_outside(run.home).marks
        with beginning(run) as (new, begins):
            if not agree(begins):
                return Begun(begins, recovered=recovered)
            installed = replace_database(run, new, base)
    return Begun(begins, installed, _filled(run, begins), recovered=recovered)


def begin_in_file(run: Run, target: Path, show: Callable[[Beginning], None]) -> Begun:
    """Make the database of :func:`begin_anew` in a file of its own; the home stays as it is.

    ``show`` hears what comes before anything is written. The file appears whole, fsynced and
    verified, or not at all. Raises :class:`Refused` where there is one of that name, or no room.
    """
    target = target.absolute()
    require_free(target, {DATABASE: target})
    with beginning(run) as (new, begins):
        show(begins)
        with making(target) as (folder, recovered):
            made = folder / DATABASE
            host.copy_files([(new, made)])
            home = replace(run.home, database=made, records_at=folder / RECORDS_DIR)
            filled = _filled(Run(home, run.environment), begins)
            damage = sound(made)
            if damage:
                raise HermesRepairError(
                    f"The database that was made is not sound ({damage[0]}).",
                    "It was removed again. Please report this.",
                )
            sync(made)
            require_free(target, {DATABASE: target})
            put(folder, {DATABASE: target})
    return Begun(begins, filled=filled, written=target, recovered=recovered)


def _filled(run: Run, begins: Beginning) -> Repaired:
    """Bring back what was shown, and no more."""
    shown = {one.unit.id for one in (*begins.proposal.plan.now, *begins.proposal.plan.waiting)}

    def as_shown(proposal: Proposal) -> bool:
        return {one.unit.id for one in proposal.plan.now} <= shown

    request = Request(LookOptions(), _selection(begins.copy))
    return repair(run, request, as_shown, command=BACKFILL)


def _selection(copy: Path | None) -> Selection:
    """Return what is brought back: beside a copy, files may have what was deleted on purpose."""
    return Selection(("TR",), unsafe=copy is None)


def _expected(run: Run, file_status: FileStatus) -> int:
    """Return the schema number that the installed Hermes expects, as far as we write one."""
    number = expected_number(run, file_status.openers)
    return NEWEST_TARGET if number is None else number


def make_empty(path: Path, number: int) -> None:
    """Make a database of Hermes' without a row but its schema number, on disk."""
    with new_database(path, FileFormat()) as database:
        for statement in structure_of(number):
            database.run(statement)
    sync(path)


def structure_of(number: int) -> Iterator[str]:
    """Yield the statements that make an empty database of a schema, its number last."""
    shape = next(iter(default_catalogue().versions[number].shapes))
    script = (catalogue_root() / "db" / "structure" / f"{shape}.sql").read_text(encoding="utf-8")
    yield from statements(script)
    yield f"INSERT INTO schema_version VALUES ({number})"
