"""A plan of one round of ``repair``: looked for, ordered, written down; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hermes_repair.app.apply_units import Draft, needed
from hermes_repair.app.coverage import INDEX
from hermes_repair.app.diagnose import count_problems, find, within_limits
from hermes_repair.app.duplicated_schema import require_mendable
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import FileStatus, steady
from hermes_repair.app.open_scene import no_conversations, open_scene, readable, require_known
from hermes_repair.app.preflight import Space, disk_space
from hermes_repair.app.receipts import header_of
from hermes_repair.app.recover import CutOff, cut_off
from hermes_repair.app.scene_facts import facts, labels
from hermes_repair.checks.registry import proposals, stages
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.choices import LookOptions, Selection, WalChoice
from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.errors import Refused
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import SCHEMA_ENTRIES, Outline, Unit, outline
from hermes_repair.model.words import SessionLabel
from hermes_repair.records import plan_database
from hermes_repair.repair.planner import Obstacles, Plan, plan
from hermes_repair.schema.allowed_writes import allowed_writes
from hermes_repair.schema.foreign_objects import refusal
from hermes_repair.store.file_state import SideFile

UNREAD = "everything that reads through that index"
"""What is not even looked for while an index does not have its table's rows (DB006)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a repair is asked to do. ``choice`` is what the user says about a -wal in question."""

    look_options: LookOptions
    selection: Selection
    choice: WalChoice | None = None
    backup: bool = False


@dataclass(frozen=True, slots=True)
class SoFar:
    """What a run knows before a round of it.

    ``confirmed``: only findings that an earlier look had too. ``held``: what was cut off, if not
    what the receipts say now, of which one may be this run's own. ``refused`` are steps that this
    run has tried already.
    """

    confirmed: frozenset[str] | None = None
    held: CutOff | None = None
    refused: Sequence[Unit] = ()


NOTHING_YET = SoFar()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One round's plan and what it was made on; ``draft`` are its units, in a file.

    ``space`` is what doing it takes of the disk, None where nothing is to be done. ``held`` are
    runs that were cut off and can only be settled when nobody else is there. ``blocked`` are steps
    that would be done if nothing stood in their way that no release makes (DB009), and what it is.
    ``unproven`` says which index does not have its table's rows (DB006), where more was asked for
    than what does not read through it. ``problems`` are the findings worse than a note that were
    not accepted, whatever was asked for.
    """

    plan: Plan
    labels: dict[str, SessionLabel]
    database: dict[str, Any]
    file_status: FileStatus
    schema: int | None
    birth: float | None
    draft: Draft
    live_reason: str | None
    side: SideFile
    space: Space | None
    held: CutOff
    blocked: tuple[tuple[Outline, str], ...] = ()
    unproven: tuple[str, ...] = ()
    problems: int = 0

    @property
    def steps(self) -> tuple[Outline, ...]:
        """All steps that were planned, in the order in which a reader sees and numbers them."""
        return *self.plan.now, *self.plan.waiting, *self.plan.left

    @property
    def digest(self) -> str:
        """The hash of what the plan will do, to the byte."""
        return self.draft.digest


def propose(
    run: Run,
    request: Request,
    place: Path,
    so_far: SoFar = NOTHING_YET,
) -> Proposal:
    """Look and plan; changes nothing in the home.

    The actions go to a new file in ``place``, one unit at a time, so that a plan of any size takes
    little memory. Raises :class:`Refused` where the file itself is in question (DB001 to DB003) and
    where nothing can be planned because of an index (DB006), :class:`UnknownSession` for a session
    that is named and that nothing here has.
    """

    def look(file_status: FileStatus) -> Proposal:
        draft = place / f"{sum(1 for _ in place.iterdir()) + 1}.db"
        first = CutOff()  # alone, `repair` settles what was cut off before it plans
        if not file_status.alone:
            first = cut_off(run.folder) if so_far.held is None else so_far.held
        with open_scene(
            run,
            request.look_options,
            choice=request.choice,
            file_status=file_status,
        ) as scene:
            findings, blocked = _findings(scene, request, so_far.confirmed)
            birth = scene.birth if readable(scene) else None
            schema = scene.recognition.number if readable(scene) else None
            header = header_of(run, "repair", file_status.marks, schema=schema, birth=birth)
            with plan_database.create(draft, header) as file:
                outlines = file.append(proposals(scene, findings))
                if readable(scene) and not scene.file.unproven:
                    require_known(scene, request.selection.sessions, outlines)
                beside = not file_status.alone
                ordered = plan(
                    outlines,
                    request.selection,
                    stages(),
                    Obstacles(beside, first.concerns, so_far.refused),
                )
                digest = file.digest(one.number for one in ordered.now)
            unproven = _unproven(scene, findings, request.selection, ordered)
            if unproven and not ordered.now and not so_far.refused:
                raise Refused(*unproven[0])
            if not beside:
                for one in ordered.now:
                    if one.unit.kind == SCHEMA_ENTRIES:
                        with plan_database.read(draft) as file:
                            require_mendable(run, file_status, file.record(one.number).unit)
            proposal = Proposal(
                plan=ordered,
                labels=labels(scene, tuple(findings)),
                database=facts(scene),
                file_status=file_status,
                schema=schema,
                birth=birth,
                draft=Draft(ordered.now, path=draft, digest=digest),
                live_reason=f"{file_status.openers.describe()}." if beside else None,
                side=scene.file.side,
                space=None,
                held=first,
                blocked=blocked,
                unproven=tuple(message for message, _ in unproven),
                problems=count_problems(findings, run.folder.acknowledged_or_why()[0]),
            )
        if not ordered.now:
            return proposal
        need = needed(file_status, proposal.draft, backup=request.backup)
        return replace(proposal, space=disk_space(run.home, need))

    return steady(run, look)


def _findings(
    scene: Scene, request: Request, confirmed: frozenset[str] | None
) -> tuple[list[Finding], tuple[tuple[Outline, str], ...]]:
    """Return what there is to mend, and the steps that DB009 stands in the way of.

    Raises :class:`Refused` where the file itself is in question and ``request`` has no answer.
    """
    every_finding = find(scene, Selection())
    findings = within_limits(scene, every_finding, Selection())
    fatal = next((f for f in findings if f.severity is Severity.FATAL), None)
    answered = fatal is not None and fatal.id == "DB002" and request.choice is not None
    if scene.file.side is SideFile.STALE and request.choice is WalChoice.USE:
        answered = False  # it would damage the database
    if fatal is not None and fatal.remedy is Remedy.SAFE and _is_asked_for(fatal, request):
        return [fatal], ()  # nothing else can be read before (DB007)
    if fatal is not None and not answered:
        raise Refused(f"{fatal.id}: {fatal.message}", fatal.hint)
    if not readable(scene):
        raise no_conversations(scene)
    blocked = tuple(_blocked(scene, every_finding, request.selection))
    if confirmed is not None:
        findings = [f for f in findings if f.fingerprint in confirmed]
    return findings, blocked


def _is_asked_for(finding: Finding, request: Request) -> bool:
    return request.selection.wants_id(finding.id) and not request.selection.sessions


def _blocked(
    scene: Scene, findings: Sequence[Finding], selection: Selection
) -> Iterator[tuple[Outline, str]]:
    """Yield the steps that were asked for and that DB009 stands in the way of, and why."""
    allowed = allowed_writes(scene.recognition, scene.structure)
    for unit in proposals(scene, findings) if allowed.foreign_objects else ():
        reasons = (refusal(allowed.foreign_objects, action) for action in unit.actions)
        why = next((reason for reason in reasons if reason), "")
        if why and selection.wants(unit):
            yield outline(0, unit), f"{why}."


def _unproven(
    scene: Scene, findings: Sequence[Finding], selection: Selection, ordered: Plan
) -> list[tuple[str, Hint]]:
    """Return message and hint of every DB006 that keeps out something that was asked for.

    What this round makes anew keeps nothing out of the next one.
    """
    kept_out = [id for id, reason in scene.left_out.items() if reason == INDEX]
    if not any(selection.wants_id(id) for id in kept_out):
        return []
    mended = {name for one in ordered.now for name in one.unit.findings}
    staying = (f for f in findings if f.id == "DB006" and f.fingerprint not in mended)
    return [(f"{f.id}: {f.message}", f.hint) for f in staying]


def waiting(proposal: Proposal, selection: Selection) -> list[tuple[str, str]]:
    """Return what was asked for and cannot be done now, and why.

    The file speaks against it (DB006), something that no release makes is in its way (DB009), a
    step that it rests on was refused, or somebody is there.
    """
    reasons = [(UNREAD, message) for message in proposal.unproven]
    reasons += [(one.unit.summary, why) for one, why in proposal.blocked]
    reasons += [
        (one.unit.summary, f"It comes after the step {before.summary!r}, which was not done.")
        for one, before in proposal.plan.behind
    ]
    if proposal.live_reason is None:
        return reasons
    why, held = proposal.live_reason, proposal.held
    first = (
        f"{', '.join(held.receipts)} was interrupted while working on the same, and is finished"
        " first."
    )
    if held.receipts and selection.wants_id("RP001") and not selection.sessions:
        reasons.append((f"finish what was interrupted: {', '.join(held.receipts)}", why))
    for one in proposal.plan.waiting:
        both = f"{first} {why}" if held.concerns(one) else why
        reasons.append((one.unit.summary, both))
    return reasons
