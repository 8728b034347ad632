"""``migrate``: to the schema that the installed Hermes expects, in one transaction (design 6.5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hermes_repair.app.applying import apply_units, close_receipt
from hermes_repair.app.diagnose import steady
from hermes_repair.app.outside import Outside, folder_of, from_outside
from hermes_repair.app.preflight import require_alone, single_run
from hermes_repair.app.recover import recover
from hermes_repair.app.resolving import resolver
from hermes_repair.app.visit import visit
from hermes_repair.app.world import World
from hermes_repair.checks.registry import all_checks
from hermes_repair.checks.scene import Scene, Wishes
from hermes_repair.home.installed import Installed
from hermes_repair.home.layout import Home, routing_file
from hermes_repair.lineage.copies import copied_rows
from hermes_repair.lineage.messages import Nature
from hermes_repair.lineage.person import person_facts, person_proof
from hermes_repair.model.errors import HermesRepairError, Refused
from hermes_repair.model.findings import Safety, Severity
from hermes_repair.model.plans import Unit
from hermes_repair.schema.catalogue import DEFAULT_TARGET, NEWEST_TARGET, default_catalogue
from hermes_repair.schema.delegates import (
    STEP,
    Candidate,
    Decisions,
    delegates_to_tag,
    read_candidates,
)
from hermes_repair.schema.difference import diff
from hermes_repair.schema.facts import read_facts
from hermes_repair.schema.recognise import Recognition
from hermes_repair.schema.route import Route, route
from hermes_repair.store.views import WalChoice


@dataclass(frozen=True, slots=True)
class Target:
    """Which number, where it comes from in words, and what the user has to know about it."""

    number: int
    origin: str
    guessed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A migration that could be made: the route, what step 16 leaves alone, and what it rests on.

    ``counts`` are the rows that each data step will touch, by the words of the step.
    """

    target: Target
    route: Route
    decisions: Decisions
    counts: tuple[tuple[str, int], ...]
    outside: Outside
    recognition: Recognition
    birth: float | None

    @property
    def nothing_to_do(self) -> bool:
        return not self.route.actions


@dataclass(slots=True)
class Migrated:
    """What a migration did. ``problem`` is set where it was not done."""

    way: Way | None = None
    receipt: Path | None = None
    backup: Path | None = None
    recovered: list[str] = field(default_factory=list)
    problem: HermesRepairError | None = None
    declined: bool = False


def choose_target(
    recognition: Recognition, installed: tuple[Installed, ...], to: int | None, force: bool
) -> Target:
    """Return the number to go to. Raises :class:`Refused` for one beyond the installed Hermes."""
    known = next((found for found in installed if found.number is not None), None)
    expected = known.number if known is not None else None
    if to is not None:
        if expected is not None and to > expected and not force and known is not None:
            raise Refused(
                f"The Hermes that serves this home ({known.how}) expects schema {expected}. Beyond"
                " it, data steps would be skipped for rows that it writes in between.",
                "Update Hermes first, or add --force.",
            )
        return Target(to, "--to")
    if expected is None or known is None:
        number = max(DEFAULT_TARGET, recognition.number)
        return Target(number, "no installed Hermes was found for this home", guessed=True)
    origin = f"Hermes {known.release or '(unknown release)'}, {known.how}: {known.found}"
    if expected > NEWEST_TARGET:
        note = f"Hermes' own code takes it from {NEWEST_TARGET} to {expected} on its next open."
        return Target(NEWEST_TARGET, origin, notes=(note,))
    return Target(expected, origin)


def is_behind(home: Home, world: World, to: int | None) -> bool:
    """Say whether the database is behind; takes no write lock and is quick."""

    def look(outside: Outside) -> bool:
        with visit(home, world, Wishes(), check_file=False, outside=outside) as scene:
            target = choose_target(scene.recognition, scene.installed, to, True)
            found = scene.recognition
            return found.number < target.number or bool(found.missing)

    return steady(home, world, look)


def plan_way(
    home: Home, world: World, to: int | None, force: bool, *, choice: WalChoice | None = None
) -> Way:
    """Plan the migration; changes nothing. Raises :class:`Refused` where there is no way."""

    def look(outside: Outside) -> Way:
        with visit(home, world, Wishes(), choice=choice, outside=outside) as scene:
            return _way(scene, to, force, outside)

    return steady(home, world, look)


def _way(scene: Scene, to: int | None, force: bool, outside: Outside) -> Way:
    for check in all_checks():
        fatal = check.find(scene) if check.severity is Severity.FATAL else ()
        for finding in fatal:
            raise Refused(f"{finding.id}: {finding.message}", finding.hint)
    target = choose_target(scene.recognition, scene.installed, to, force)
    look, structure, recognition = scene.look, scene.structure, scene.recognition
    decisions = Decisions()
    if recognition.number < STEP <= target.number:
        decisions = _decide(scene, target.number)
    facts = read_facts(
        look.rows, structure, recognition, target.number, decisions, _entries(scene.home)
    )
    made = route(structure, target.number, facts)
    counts = tuple(
        (part.what, int(str(row[0])))
        for part in made.parts
        if part.count and (row := look.one(part.count)) is not None
    )
    return Way(target, made, decisions, counts, outside, recognition, scene.birth)


def _entries(home: Home) -> dict[str, object]:
    """Return the parsed ``sessions.json`` of the home, for schema step 18."""
    data = routing_file(home)
    try:
        parsed = json.loads(data) if data is not None else {}
    except ValueError:
        parsed = {}  # the routing checks report it; the step has nothing to take from it
    return parsed if isinstance(parsed, dict) else {}


def _decide(scene: Scene, target: int) -> Decisions:
    """Decide which sessions are delegates, by the proofs of design 6.3."""
    candidates = list(read_candidates(scene.look.rows, scene.structure))
    counts = scene.counts([candidate.id for candidate in candidates])
    persons = {
        candidate.id
        for candidate in candidates
        if candidate.id in scene.node
        and person_proof(
            person_facts(scene.node[candidate.id], counts[candidate.id], scene.routing)
        )
        is not None
    }
    copies = {candidate.id for candidate in candidates if _copies(scene, candidate)}
    return delegates_to_tag(candidates, target, persons, copies)


def _copies(scene: Scene, candidate: Candidate) -> bool:
    """Whether a child begins with its parent's rows or with a summary of them."""
    if candidate.parent_id is None:
        return False
    own = scene.messages(candidate.id)
    if any(message.nature is Nature.CARRIED for message in own):
        return True
    if not candidate.parent_exists:
        return False
    return copied_rows(scene.messages(candidate.parent_id), own) > 0


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
    )


def migrate(
    home: Home,
    world: World,
    to: int | None,
    force: bool,
    agree: Callable[[Way], bool],
    *,
    choice: WalChoice | None = None,
) -> Migrated:
    """Migrate after a verified backup, and verify the result from a fresh look."""
    folder = folder_of(home)
    require_alone(home, from_outside(home))
    result = Migrated()
    with single_run(folder):
        result.recovered = recover(home, folder, world)
        way = plan_way(home, world, to, force, choice=choice)
        require_alone(home, way.outside)
        result.way = way
        if way.nothing_to_do:
            return result
        if not agree(way):
            result.declined = True
            return result
        applied = apply_units(
            home,
            folder,
            world,
            way.outside,
            (unit_of(way),),
            resolver(home),
            command="migrate",
            schema=way.route.start,
            birth=way.birth,
            backup=True,
            ignore_wal=choice is WalChoice.IGNORE,
        )
        result.receipt, result.backup = applied.receipt, applied.backup
        if applied.receipt is not None:
            close_receipt(applied.receipt, folder, world)
        if applied.refused:
            result.problem = applied.refused[0][1]
            return result
        _verify(home, world, way)
    return result


def _verify(home: Home, world: World, way: Way) -> None:
    """Look afresh: the number and the structure are those of the real release."""
    wanted = default_catalogue().structure(way.route.target)

    def look(outside: Outside) -> None:
        with visit(home, world, Wishes(), outside=outside) as scene:
            differences = diff(wanted, scene.structure)
            left = replace(differences, extra=())
            if scene.recognition.number != way.route.target or left or scene.file.damage:
                raise HermesRepairError(
                    f"After the migration the database is not as schema {way.route.target} is: "
                    + "; ".join(left.lines()[:3]),
                    "Take it back with `hermes-repair undo`, and please report this.",
                )

    steady(home, world, look)
