"""What has to be true before anything is written (R4), and the safety copies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import SIDE_SUFFIXES, FileStatus, copy_private, look_from_outside
from hermes_repair.app.receipts import left_by_us
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import WalChoice
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import AnotherRun, Changed, DatabaseUnreadable, InUse, Refused
from hermes_repair.records.folder import Folder
from hermes_repair.records.plan_database import sync
from hermes_repair.store.file_state import IN_QUESTION, FileState, WalAnswer, at_rest
from hermes_repair.store.integrity import require_sound

OPENERS_EVERY = 0.5  # seconds between two questions who has the database open


def require_alone(file_status: FileStatus) -> None:
    """Raise :class:`InUse` naming who has the database open."""
    if not file_status.alone:
        raise InUse(
            f"{file_status.openers.describe()}.",
            "Nothing was changed. Stop it, then run the same command again.",
        )


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of disk that a run takes for a while, at most, and bytes that are free there."""

    needed: int
    free: int

    @property
    def enough(self) -> bool:
        return self.free >= self.needed


def disk_space(home: Home, needed: int) -> Space:
    """Return what a run needs of the disk that the home is on, and what is free there now."""
    return Space(needed, host.free_bytes(home.root))


def require_writable(run: Run, need: int) -> Space:
    """Raise :class:`Refused` where state.db or our folder cannot be written, or space is short.

    Returns what was asked of the disk, for the report.
    """
    database = run.home.database
    for path in (database, database.parent) if database.exists() else (database.parent,):
        if not host.can_write(path):
            raise Refused(f"This user cannot write {path}.", run.folder.way_in(path))
    disk = disk_space(run.home, need)
    if not disk.enough:
        raise Refused(
            f"This needs {need:,} bytes on the disk of {run.home.root}; {disk.free:,} are free.",
            "Nothing was changed. Free some space, then run the same command again.",
        )
    return disk


def require_same_base(home: Home, marks: str) -> None:
    """Raise :class:`Changed` where the files changed after the plan was made."""
    if look_from_outside(home).marks != marks:
        raise Changed(
            "The database changed after the plan was made.",
            "Nothing was changed. Run the same command again to make a new plan.",
        )


def require_no_question(
    run: Run,
    file_status: FileStatus,
    *,
    looks_up: bool = False,
    tables: Collection[str] | None = None,
) -> None:
    """Raise where opening for writing would harm what lies there.

    :class:`Refused` for a -wal at rest that may not belong to state.db (DB002), and where rows will
    be looked up (``looks_up``; of ``tables``, else of any) for damage and indexes that do not have
    them (DB003, DB006);
    :class:`DatabaseUnreadable` for what is no database: SQLite deletes a -wal beside an empty file.
    ``repair`` and ``migrate`` hear it from the doctor's checks; this is for the commands that open
    the database without them.
    """
    if not file_status.facts.is_sqlite and not file_status.perhaps_headless:
        what = "is not a SQLite database" if file_status.facts.main.size else "is empty (0 bytes)"
        raise DatabaseUnreadable(
            f"{run.home.database} {what}.",
            advice("Nothing was changed. `{}` says what brings it back.", command("doctor")),
        )
    if file_status.in_the_way is not None:
        raise DatabaseUnreadable(
            f"{run.home.database} cannot be opened: {file_status.in_the_way}.",
            "Nothing was changed. Move that away, then run this again.",
        )
    if not file_status.alone or not (
        looks_up or file_status.sides.wal or file_status.sides.journal
    ):
        return
    state = file_state(run, file_status)
    if file_status.perhaps_headless and state.soundness is not None:
        require_sound(state.soundness, ())
    if state.side in IN_QUESTION:
        raise Refused(
            "DB002: the -wal beside state.db may not belong to it, so nothing is written.",
            advice(
                "`{}` says more; then choose `{}` or `{}`.",
                command("doctor"),
                *(command("repair", "--wal", choice.value) for choice in WalChoice),
            ),
        )
    if looks_up and state.soundness is not None:
        require_sound(state.soundness, tables)


def file_state(run: Run, file_status: FileStatus) -> FileState:
    """Say what a database at rest is like and what lies beside it, from private copies.

    Raises :class:`DatabaseUnreadable` where neither view can be read.
    """
    with at_rest(
        run.home.database,
        file_status.sides,
        copy_private,
        WalAnswer(left_by_us=left_by_us(run.folder, file_status) is not None),
        check_file=True,
    ) as (_, state):
        return state


def bundle(run: Run, file_status: FileStatus, place: Path) -> Path | None:
    """Copy main, -wal, -shm and -journal as they lie, before the first connection (R4).

    Into a new folder below ``place``, which is returned; None where nothing lies beside the main
    file or somebody has it open.
    """
    if not file_status.alone or not (file_status.sides.wal or file_status.sides.journal):
        return None
    run.folder.make(place)
    # A run that was killed while it copied has left one that is not whole.
    number = sum(1 for path in place.iterdir() if path.name.startswith("bundle"))
    target = run.folder.make(place / f"bundle-{number + 1}")
    copy_as_files(run, file_status, target)
    return target


def kept_name(home: Home) -> str:
    """Return what a copy of the database is called in a folder of ours."""
    return "state.db" if home.store is None else home.database.name


def copy_as_files(run: Run, file_status: FileStatus, target: Path) -> None:
    """Copy main, -wal, -shm and -journal into a folder of ours, durably, without opening them."""
    pairs = file_status.copies(run.home.database, target / kept_name(run.home))
    host.copy_files(pairs, fsync=True)
    for source, copy in pairs:
        if not host.same_files(source, copy):
            raise Refused(
                f"The safety copy of {source} does not match the file.",
                "Nothing was changed. Check the disk, then run the same command again.",
            )
        run.folder.own(copy)


def copy_verified(source: Path, target: Path) -> bool:
    """Copy a file durably and say whether the copy is the same to the byte.

    The copy gets its name when it is whole: a run that is killed here leaves no half backup.
    """
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    host.copy_files([(source, part)], fsync=True)
    if not host.same_files(source, part):
        part.unlink()
        return False
    part.replace(target)
    sync(target)
    return True


def set_wal_aside(home: Home) -> None:
    """Take leftover side files away from a database that nobody has open; the copy keeps them."""
    for suffix in SIDE_SUFFIXES:
        home.database.with_name(home.database.name + suffix).unlink(missing_ok=True)


def guard_alone(run: Run) -> Callable[[], None]:
    """Return a function that raises :class:`InUse` as soon as somebody else opens the database.

    The question costs some milliseconds, so it is asked at most every half second; in between
    SQLite's own ``data_version`` tells of writers.
    """
    last = -OPENERS_EVERY

    def guard() -> None:
        nonlocal last
        if run.now() - last < OPENERS_EVERY:
            return
        last = run.now()
        openers = host.who_has_open(run.home.database)
        if not openers.nobody:
            raise InUse(
                f"{openers.describe()}.",
                "Finished steps are complete. Stop it, then run the same command again.",
            )

    return guard


@contextmanager
def single_run(folder: Folder) -> Iterator[None]:
    """Keep a second writing run of ours out of this home; raises :class:`AnotherRun` there.

    A folder of ours that was made for this and in which nothing was kept goes again: what was
    refused or declined leaves no trace.
    """
    new = folder.prepare()
    lock = folder.run_lock
    with ExitStack() as stack:
        try:
            mine = stack.enter_context(host.single_run(lock))
        except FileNotFoundError:
            mine = False  # another run has just taken away the folder that it made
        except OSError as error:
            raise folder.denied(lock, error) from error
        if not mine:
            raise AnotherRun(
                "Another hermes-repair is working on this home.",
                "Wait until it has finished, then run this again.",
            )
        folder.own(lock)
        if new:
            stack.callback(folder.remove_empty)
        yield
