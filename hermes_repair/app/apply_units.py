"""Putting units into state.db in the order of R4: receipt, backup, units, close.

``repair``, ``migrate``, ``backfill``, ``forks --resolve`` and ``locks clean`` come through here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.file_status import FileStatus, marks_left
from hermes_repair.app.files_of_home import FilesOfHome
from hermes_repair.app.preflight import (
    Space,
    bundle,
    copy_verified,
    guard_alone,
    require_same_base,
    require_writable,
)
from hermes_repair.app.receipts import INSTALL, header_of, identify, is_open
from hermes_repair.home.layout import Home
from hermes_repair.model.actions import Action, Ddl, IndexRefill, RowInsert, RowRef
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import BadRecord, HermesRepairError, Refused
from hermes_repair.model.plans import (
    SCHEMA_ENTRIES,
    VACUUM,
    Header,
    Outline,
    Unit,
    UnitState,
    outline,
)
from hermes_repair.model.values import Row
from hermes_repair.model.words import count
from hermes_repair.records import kept_sources, plan_database
from hermes_repair.records.folder import DAMAGED, Folder, is_half_made
from hermes_repair.records.owned_files import is_folder
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.repair import executor
from hermes_repair.store.backup import back_up, settle_wal
from hermes_repair.store.writer import Writer, writing

KEEP_BACKUPS = 3
YOUNG_SECONDS = 7 * 86400
ROOM = 64 << 20  # bytes kept free for WAL, journal and receipts
PATIENCE = 5.0  # seconds to wait for a write lock


@dataclass(frozen=True, slots=True)
class Draft:
    """Units to apply: a few, or those of a plan file in the order of the outlines.

    ``digest`` is of what was shown of the file ``path``; ``units`` are all where there is none.
    """

    outlines: tuple[Outline, ...]
    units: tuple[Unit, ...] = ()
    path: Path | None = None
    digest: str = ""

    @property
    def needs_backup(self) -> bool:
        return any(outline.needs_backup for outline in self.outlines)

    @property
    def mends_schema(self) -> bool:
        """Whether it is for a database whose schema SQLite refuses (DB007)."""
        return any(outline.unit.kind == SCHEMA_ENTRIES for outline in self.outlines)

    @property
    def live(self) -> bool:
        """Whether all of it may be done beside others: then nobody has to be kept out either."""
        return all(outline.unit.live for outline in self.outlines)

    @property
    def room(self) -> int:
        """Bytes that the units may take on the disk: rows, both search indexes, WAL, copies."""
        return sum(6 * o.source_bytes + o.copied_bytes + o.unit.room for o in self.outlines)


def needed(file_status: FileStatus, draft: Draft, *, backup: bool) -> int:
    """Return the bytes of disk that a run takes at most: records, rows, backup and safety copy."""
    need = ROOM + draft.room
    if backup or draft.needs_backup:
        need += file_status.sides.main + file_status.sides.wal
    if file_status.alone and (file_status.sides.wal or file_status.sides.journal):
        need += sum(dataclasses.astuple(file_status.sides))
    return need


def in_memory(units: Sequence[Unit]) -> Draft:
    """Return a few units as a draft."""
    outlines = tuple(outline(number, unit) for number, unit in enumerate(units, 1))
    return Draft(outlines, tuple(units))


def write_units(plan: PlanFile, draft: Draft) -> list[int]:
    """Add the units of a draft to a receipt or plan; return their numbers there.

    Those of a file are taken as they lie there: what was shown is what is kept.
    """
    if draft.path is None:
        return [outline.number for outline in plan.append(draft.units)]
    with plan_database.read(draft.path) as shown:
        return plan.take(shown, [outline.number for outline in draft.outlines], draft.digest)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a list of units. ``receipt`` is None where nothing was tried."""

    receipt: Path | None
    units: int
    actions: int
    refused: tuple[tuple[Unit, HermesRepairError], ...]
    backup: Path | None
    space: Space | None


@dataclass(frozen=True, slots=True)
class Job:
    """What units are applied for.

    ``command`` names the receipt, whose header has ``schema``, ``birth`` and ``target``.
    ``backup``: the file is backed up although rows alone need none. ``unchecked``: the look that
    the plan was made on did not check the file, so its backup is, and damage refused. ``verify`` is
    asked before each COMMIT, and rolls the unit back by raising. ``resolve`` reads rows of other
    databases, where there are any. ``continues`` is the receipt of a run that was cut off, which
    this one goes on with.
    """

    command: str
    schema: int | None = None
    birth: float | None = None
    target: int | None = None
    backup: bool = False
    unchecked: bool = False
    continues: str | None = None
    verify: Callable[[Writer], None] = lambda _writer: None
    resolve: Callable[[RowInsert], Row] | None = None


def apply_units(
    run: Run, file_status: FileStatus, draft: Draft, job: Job, receipt: Path | None = None
) -> Applied:
    """Apply units and keep the receipt; continues ``receipt`` where one is given.

    ``file_status`` is what the plan was made on; a file that moved since is refused. Offline units
    run alone or not at all; beside a live Hermes only live-safe units may be given.
    """
    if not draft.outlines:
        return Applied(receipt, 0, 0, (), None, None)
    home, folder, environment = run.home, run.folder, run.environment
    disk = require_writable(run, needed(file_status, draft, backup=job.backup))
    folder.prepare()
    exclusive = file_status.alone and not draft.live
    if receipt is None and exclusive:
        require_same_base(home, file_status.marks)
    path = receipt or folder.new_receipt(job.command, run.now())
    bundle(run, file_status, folder.backup_dir(path))
    due = job.backup or draft.needs_backup
    place = folder.backup_dir(path) / "state.db" if due else None
    header = header_of(
        run,
        job.command,
        file_status.marks,
        schema=job.schema,
        target=job.target,
        birth=job.birth,
        backup=str(place.relative_to(folder.path)) if place is not None else None,
        home=identify(run),
        continues=job.continues,
    )
    numbers = _write_receipt(path, folder, header, draft, new=receipt is None)
    around = executor.Surroundings(
        guard=guard_alone(run) if exclusive else _nothing,
        keep=lambda copies: kept_sources.keep(folder, path, copies, home.root),
        resolve=job.resolve or (lambda action: resolve(home, action)),
        tell=counting(environment, len(numbers)),
        random=environment.random,
        patience=PATIENCE,
        exclusive=exclusive,
        step=_progress(environment),
        verify=job.verify,
        files=FilesOfHome(home),
    )
    with plan_database.edit(path) as notes:
        running = False
        try:
            with writing(home.database, live=not exclusive, malformed=draft.mends_schema) as writer:
                if place is not None:
                    environment.tell(f"backing up the database to {place}")
                    folder.make(place.parent)
                    _begin_with_backup(writer, place, folder, around, unchecked=job.unchecked)
                running = True
                outcome = executor.run(writer, notes, numbers, around, begun=place is not None)
        except (HermesRepairError, OSError):
            if not running:
                notes.set_states(numbers, UnitState.SKIPPED)
                notes.set_header(closed=run.now(), left=marks_left(home))
            raise
    sizes = dict(zip(numbers, draft.outlines, strict=True))
    actions = sum(sizes[number].actions for number in outcome.done)
    return Applied(path, len(outcome.done), actions, tuple(outcome.refused), place, disk)


def close_receipt(run: Run, path: Path) -> None:
    """Note that a run came to its end and what it left beside state.db, and let old backups go.

    A receipt with a step of which it is not known what became of it stays open (RP001).
    """
    with plan_database.edit(path) as notes:
        if any(state is UnitState.PENDING for _, state in notes.states()):
            return
        notes.set_header(closed=run.now(), left=marks_left(run.home))
    plan_database.sync(path)
    prune_backups(run.folder, run.now())


def prune_backups(folder: Folder, now: float) -> list[Path]:
    """Remove old backups: the newest 3, unfinished runs' and anything under 7 days stay (R4).

    Copies of a damaged database do not count among the 3, so that they push no good one out. What
    `vacuum` replaced does not either: as long as that is there, the room is not won.
    """
    removed: list[Path] = []
    if not is_folder(folder.backups):
        return removed
    kept = sorted(
        (path for path in folder.backups.iterdir() if is_folder(path) and not is_half_made(path)),
        key=lambda path: (path.stat().st_mtime, path.name),
    )
    damaged = [place for place in kept if place.name.startswith(DAMAGED)]
    larger = [place for place in kept if place.name.endswith(f"-{VACUUM}")]
    sound = [place for place in kept if place not in damaged and place not in larger]
    old = [*sound[:-KEEP_BACKUPS], *damaged[:-KEEP_BACKUPS], *larger]
    if not old:
        return removed
    unreadable: list[tuple[Path, BadRecord]] = []
    headers = plan_database.read_each(folder.receipt_paths(), PlanFile.header, unreadable)
    unfinished = {name for path, header in headers for name in _still_needed(path, header)}
    unfinished |= {path.stem for path, _ in unreadable}  # nothing says that they are finished
    for place in old:
        if place.name in unfinished or now - place.stat().st_mtime < YOUNG_SECONDS:
            continue
        folder.remove_backup(place)
        removed.append(place)
    return removed


def _still_needed(receipt: Path, header: Header) -> Iterator[str]:
    """Yield the backups that stay for a run: nothing else has what a salvage replaced."""
    if is_open(header):
        yield receipt.stem
    if header.command == INSTALL and header.undone is None:
        yield f"{DAMAGED}-{receipt.stem}"


def _write_receipt(
    path: Path, folder: Folder, header: Header, draft: Draft, *, new: bool
) -> list[int]:
    """Write the units into the receipt, durable before the first of them runs."""
    opened = plan_database.create(path, header) if new else plan_database.edit(path)
    with opened as plan:
        numbers = write_units(plan, draft)
    folder.own(path)
    plan_database.sync(path)
    return numbers


def _begin_with_backup(
    writer: Writer,
    place: Path,
    folder: Folder,
    around: executor.Surroundings,
    *,
    unchecked: bool,
) -> None:
    around.guard()
    settle_wal(writer)
    writer.begin(around.patience, around.random)
    try:
        back_up(writer, place, copy_verified, check=unchecked)
    except Refused:
        place.unlink(missing_ok=True)  # what lay beside the database stays in its bundle
        raise
    folder.own(place)


def counting(environment: Environment, number: int, how: str = "") -> Callable[[Unit], None]:
    """Return what says of every finished unit what it did and how many of them are done.

    ``how`` stands before what it did; ``number`` is how many there are.
    """
    done = 0
    environment.reached(done, number)

    def tell(unit: Unit) -> None:
        nonlocal done
        done += 1
        environment.reached(done, number)
        environment.tell(f"{how}{unit.summary}")

    return tell


def _progress(environment: Environment) -> Callable[[Unit, Action, int], None]:
    """Return what says now and then how far a long unit is; a migration can take minutes.

    How long the rest takes is said of an index that is made anew, whose steps are of equal size.
    """
    tell = environment.now_and_then()
    begun: dict[str, float] = {}

    def step(unit: Unit, action: Action, place: int) -> None:
        now, number = environment.now(), len(unit.actions)
        spent = now - begun.setdefault(unit.subject, now)
        at = f", step {action.step}" if isinstance(action, Ddl) else ""
        if isinstance(action, IndexRefill) and 1 < place < number:
            at = f", {_time_left(spent * (number - place) / (place - 1))} left"
        tell(f"{unit.summary}: {place} of {number} done{at}")

    return step


def _time_left(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"about {count(whole, 'second') if whole < 100 else count(round(whole / 60), 'minute')}"


def _nothing() -> None:
    """Beside a live Hermes there is nobody to keep out."""


def resolve(home: Home, action: RowInsert) -> Row:
    """Return the row of an insert, made from the bytes that it names, which are read again now.

    Raises :class:`Refused` where they are not what the plan saw, and for a row of another database,
    which only a merge has open.
    """
    # Imported here: `locks clean` inserts nothing.
    from hermes_repair.transcripts.message_rows import message_to_row
    from hermes_repair.transcripts.source_bytes import read_record

    if action.source is None:
        return action.values
    if isinstance(action.source, RowRef):
        raise Refused(f"A row of {action.source.database} can be taken over by a merge alone.")
    path = home.root / action.source.path
    try:
        message = read_record(
            path, action.source.offset, action.source.length, action.source.sha256
        )
    except (ValueError, OSError) as error:
        raise Refused(
            f"{path} changed or vanished after the plan was made.",
            advice("Nothing of this chat was imported. Run `{}` again.", command("repair")),
        ) from error
    session, timestamp = action.values["session_id"], action.values["timestamp"]
    if not isinstance(session, str) or not isinstance(timestamp, float):
        raise Refused("This plan is damaged: a message has no session or no time.")
    try:
        row = message_to_row(message, session, timestamp, frozenset(action.columns))
    except ValueError as error:
        raise Refused(
            f"A message of {path}, at byte {action.source.offset}, is {error}: it cannot be"
            " stored.",
            advice("Nothing of this chat was imported. Run `{}` to plan again.", command("repair")),
        ) from error
    return {**row, **action.values}
