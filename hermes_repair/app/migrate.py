"""``migrate``: to the schema that the installed Hermes expects, in one transaction.

``migrate --check``, for a hook before Hermes starts, runs no check and asks for nothing but the
structure, so that it is over in a moment. Only where a crash left a -wal it takes longer: that is
joined in a private copy, as for every look.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hermes_repair.app.apply_units import (
    Job,
    apply_units,
    close_receipt,
    in_memory,
    needed,
)
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import (
    DOCTOR_SAYS_MORE,
    FileStatus,
    copy_private,
    left_wal,
    quick_look,
    read_file_status,
    steady,
)
from hermes_repair.app.open_scene import ask_scene, open_scene
from hermes_repair.app.preflight import Space, disk_space, require_alone, single_run
from hermes_repair.app.recover import recover
from hermes_repair.app.target_release import Target, choose_target, installed_for, is_behind
from hermes_repair.checks.registry import all_checks
from hermes_repair.evidence.ownership import decide
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.layout import Home, routing_file
from hermes_repair.host.regular_files import parse_json
from hermes_repair.model.choices import LookOptions
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import HermesRepairError, Refused, from_os
from hermes_repair.model.findings import Severity
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import whole
from hermes_repair.repair.plan_bounds import SEE_DB009
from hermes_repair.schema.catalogue import Step, default_catalogue
from hermes_repair.schema.data_steps import STEP, Decisions
from hermes_repair.schema.foreign_objects import find_foreign_objects
from hermes_repair.schema.recognise import Family, Recognition, recognise
from hermes_repair.schema.route import Route, check_target, read_facts, route
from hermes_repair.schema.route_preview import Shown, preview, room_for
from hermes_repair.schema.search import TABLES, missing_storage
from hermes_repair.schema.structure import Query, Structure, read_structure
from hermes_repair.schema.structure_difference import diff
from hermes_repair.store.look import Look

COUNTED = ("sessions", "messages")
"""Tables of which a migration loses no row."""


@dataclass(frozen=True, slots=True)
class Way:
    """A migration that could be made: the route, what step 16 leaves alone, and what it rests on.

    ``shown`` are the parts of the route for a reader, with the rows that each will touch. ``rows``
    are the numbers of sessions and messages, which stay. ``room``
    are the bytes that the work takes on the disk, the backup aside; ``space`` what all of it takes
    and what is free, None where nothing is to be done. ``unfinished``: a run of ours
    was cut off here and is to be settled first (RP001).
    """

    target: Target
    route: Route
    decisions: Decisions
    shown: tuple[Shown, ...]
    rows: tuple[int, int]
    room: int
    file_status: FileStatus
    recognition: Recognition
    birth: float | None
    unfinished: bool
    space: Space | None = None

    @property
    def nothing_to_do(self) -> bool:
        return not self.route.actions


@dataclass(slots=True)
class Migrated:
    """What a migration did. ``problem`` is set where it was not done.

    ``stopped`` is why it could not be looked at again after it was done, ``wal_left`` the size of a
    ``-wal`` that could not be taken into state.db.
    """

    way: Way
    receipt: Path | None = None
    backup: Path | None = None
    recovered: list[str] = field(default_factory=list)
    problem: HermesRepairError | None = None
    declined: bool = False
    stopped: HermesRepairError | None = None
    wal_left: int = 0


def known_versions() -> list[tuple[int, tuple[str, ...], Step | None]]:
    """Return every schema number with the releases that use it and what its step brings."""
    known = default_catalogue()
    return [
        (number, tuple(version.releases), known.steps.get(number))
        for number, version in known.versions.items()
    ]


def plan_way(run: Run, to: int | None, force: bool, *, check_file: bool = True) -> Way:
    """Plan the migration; changes nothing. Raises :class:`Refused` where there is no way."""

    def look(file_status: FileStatus) -> Way:
        with open_scene(
            run, LookOptions(), check_file=check_file, file_status=file_status
        ) as scene:
            way = _way(scene, to, force, file_status)
        if way.nothing_to_do:
            return way
        need = needed(file_status, in_memory((unit_of(way),)), backup=True)
        return replace(way, space=disk_space(run.home, need))

    return steady(run, look)


def require_way(run: Run, to: int | None, force: bool) -> None:
    """Raise :class:`Refused` or :class:`UsageError` where no migration can be made now."""
    require_alone(read_file_status(run.home))
    plan_way(run, to, force, check_file=False)


def _way(scene: Scene, to: int | None, force: bool, file_status: FileStatus) -> Way:
    require_no_obstacle(scene)
    target = choose_target(scene.recognition, scene.installed, to, force)
    if scene.recognition.family in (Family.LATER, Family.NEWER) and to is None:
        planned, decisions = Route(target.number, target.number, ()), Decisions()
    else:
        planned, decisions = route_of(scene, target.number)
    foreign_objects = (
        find_foreign_objects(scene.structure, scene.recognition.number) if planned.actions else ()
    )
    for foreign in foreign_objects:
        raise Refused(
            f"{foreign.reason}, and a migration may write there.",
            SEE_DB009,
        )
    return Way(
        target=target,
        route=planned,
        decisions=decisions,
        shown=tuple(_counted(part, scene.look) for part in preview(planned)),
        rows=_rows(scene.look),
        room=room_for(planned, scene.look.scan),
        file_status=file_status,
        recognition=scene.recognition,
        birth=scene.birth,
        unfinished=bool(scene.receipt_history.unfinished),
    )


def require_no_obstacle(scene: Scene) -> None:
    """Raise :class:`Refused` where the file is in question or an index hides rows (DB006)."""
    for check in all_checks():
        stops = check.severity is Severity.FATAL or check.id == "DB006"
        for finding in check.find(scene) if stops else ():
            raise Refused(f"{finding.id}: {finding.message}", finding.hint)


def route_of(scene: Scene, target: int) -> tuple[Route, Decisions]:
    """Return the way of a database to schema ``target``, and what its step 16 leaves alone.

    Raises :class:`Refused` or :class:`UsageError` where there is none.
    """
    check_target(scene.recognition, target)
    passes = scene.recognition.number < STEP <= target
    decisions = decide(scene, target) if passes else Decisions()
    entries = _entries(scene.home)
    query, structure = scene.look.rows, scene.structure
    facts = read_facts(query, structure, target, decisions, entries)
    return route(structure, target, facts), decisions


def _counted(part: Shown, look: Look) -> Shown:
    row = look.one(part.count) if part.count else None
    return replace(part, rows=whole(row[0])) if row is not None else part


def _entries(home: Home) -> dict[str, object]:
    """Return the parsed ``sessions.json`` of the home, for schema step 18."""
    data = routing_file(home)
    try:
        parsed = parse_json(data) if data is not None else {}
    except ValueError:
        parsed = {}  # the routing checks report it; the step has nothing to take from it
    return parsed if isinstance(parsed, dict) else {}


def unit_of(way: Way) -> Unit:
    """Return the one unit, and so the one transaction, of a migration."""
    start, target = way.route.start, way.route.target
    subject = f"{start} -> {target}" if start != target else f"schema {target}"
    findings = {part.finding for part in way.route.parts if part.finding is not None}
    if start < target:
        findings.add("SC001")
    return Unit(
        kind="migration",
        subject=subject,
        summary=f"migrate the database: schema {subject}",
        actions=way.route.actions,
        safety=Safety.SAFE,
        live=False,
        findings=(),
        finding_ids=tuple(sorted(findings)),
        room=way.room,
    )


def migrate(
    run: Run,
    to: int | None,
    force: bool,
    agree: Callable[[Way], bool],
) -> Migrated:
    """Migrate after a verified backup, and verify the result from a fresh look.

    Where nothing is to be done, and where it is refused or declined, nothing is written at all.
    """
    require_alone(read_file_status(run.home))
    way = plan_way(run, to, force, check_file=False)  # the backup is checked instead
    result = Migrated(way)
    if way.nothing_to_do and not way.unfinished:
        return result
    if not way.nothing_to_do and not agree(way):
        result.declined = True
        return result
    with single_run(run.folder):
        result.recovered = recover(run)
        if result.recovered:  # the same way, from files that were joined or settled meanwhile
            result.way = way = plan_way(run, to, force, check_file=False)
        require_alone(way.file_status)
        if way.nothing_to_do:
            return result
        job = Job(
            "migrate",
            way.route.start,
            way.birth,
            way.route.target,
            backup=True,
            unchecked=True,
            verify=lambda writer: _verify(writer.query, way),
        )
        applied = apply_units(run, way.file_status, in_memory((unit_of(way),)), job)
        result.receipt, result.backup = applied.receipt, applied.backup
        if applied.refused:
            result.problem = applied.refused[0][1]
        try:
            if applied.receipt is not None:
                close_receipt(run, applied.receipt)
            if result.problem is None:
                result.wal_left = left_wal(run.home)
                _look_afresh(run, way)
        except (HermesRepairError, OSError) as error:
            # It is committed: what fails now is told beside that, not instead of it.
            result.stopped = from_os(error) if isinstance(error, OSError) else error
    return result


def _verify(query: Query, way: Way) -> None:
    """See, before COMMIT, that number and structure are the real release's and no row was lost.

    What was otherwise before and stays so was said beforehand; anything else is this run's doing.
    Raises :class:`HermesRepairError`, which takes all of it back.
    """
    structure = read_structure(query)
    _require_search(query, structure)
    left = _otherwise(structure, way)
    rows = [whole(next(iter(query(f"SELECT COUNT(*) FROM {t}", ())))[0]) for t in COUNTED]
    if tuple(rows) != way.rows:
        left.insert(0, f"it had {way.rows} sessions and messages and now has {tuple(rows)}")
    if left:
        raise HermesRepairError(
            f"The migration would not result in schema {way.route.target}: " + "; ".join(left[:3]),
            "It was rolled back: nothing was changed. Please report this.",
        )


def _require_search(query: Query, structure: Structure) -> None:
    """Raise :class:`Refused` for a search index with which no release could open the result."""
    problems = [f"{name} is gone" for name in missing_storage(structure)]
    problems += [f"{name} is not as FTS5 makes it" for name in sorted(structure.altered_shadows)]
    for table in () if problems else TABLES:
        try:
            if table in structure.virtual_tables:
                list(query(f"SELECT rowid FROM {table} LIMIT 0", ()))
        except sqlite3.Error as error:
            problems.append(str(error))
    if problems:
        raise Refused(
            f"No Hermes could open the result, because the search index is damaged: {problems[0]}.",
            advice(
                "Nothing was changed. First mend it: {}", command("repair", "--select", "FT003")
            ),
        )


def _otherwise(structure: Structure, way: Way) -> list[str]:
    """Return what is not as at the target, apart from what was said to stay."""
    expected = default_catalogue().structure(way.route.target)
    left = replace(diff(expected, structure), extra=()).lines()
    number = recognise(structure).number
    differences = [f"its number is {number}"] if number != way.route.target else []
    return differences + [line for line in left if line not in way.route.kept]


def _look_afresh(run: Run, way: Way) -> None:
    """See that what was committed is what is there now."""

    def look(scene: Scene) -> None:
        if left := _otherwise(scene.structure, way):
            raise Refused(
                "The migration was done, but the database no longer matches its result: "
                + "; ".join(left[:3]),
                advice(
                    "Is another program writing to it? `{}` reverts the migration.",
                    command("undo"),
                ),
            )

    ask_scene(run, look)


def _rows(look: Look) -> tuple[int, int]:
    """Return the numbers of sessions and of messages."""
    numbers = (sum(whole(row[0]) for row in look.scan("COUNT(*)", table)) for table in COUNTED)
    return next(numbers), next(numbers)


def behind(run: Run, to: int | None) -> bool:
    """Say whether ``migrate`` has something to do; takes no write lock and changes nothing.

    Raises :class:`Refused` or :class:`DatabaseUnreadable` where that cannot be told.
    """

    def answer(file_status: FileStatus) -> bool:
        if not file_status.facts.is_sqlite:
            raise Refused(f"{run.home.database} is not a SQLite database.", DOCTOR_SAYS_MORE)
        with quick_look(run.home, file_status, copy_private) as look:
            recognition = recognise(read_structure(look.rows))
        installed = installed_for(run, file_status.openers)
        return is_behind(recognition, choose_target(recognition, installed, to, force=True))

    return steady(run, answer)
