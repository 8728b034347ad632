"""``repair``: rounds of look, plan, apply, until a fresh look has nothing left to do.

Units that touch the same session wait for one another, so what a later round does is planned from
what the earlier one left (design section 4). ``--dry-run`` shows the first round and who waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hermes_repair import __version__
from hermes_repair.app.applying import Applied, apply_units, close_receipt, in_file, needed
from hermes_repair.app.diagnose import Diagnosis, diagnose, examine, facts, labels, readable
from hermes_repair.app.outside import Outside, folder_of, from_outside, steady
from hermes_repair.app.preflight import (
    Space,
    answer_wal,
    disk_space,
    require_no_question,
    single_run,
)
from hermes_repair.app.recover import recover
from hermes_repair.app.resolving import resolver
from hermes_repair.app.visit import visit
from hermes_repair.app.world import World
from hermes_repair.checks.registry import proposals
from hermes_repair.checks.scene import Wishes
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import HermesRepairError, InUse, Refused, UsageError
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Header, Outline, Unit, outline
from hermes_repair.records import planfile
from hermes_repair.repair.planner import Plan, Selection, plan
from hermes_repair.report.doctor import SessionLabel
from hermes_repair.store.scratch import scratch
from hermes_repair.store.views import IN_QUESTION, SideFile, WalChoice

ROUNDS = 12  # families times one; a plan that never ends would be a defect, not a repair


@dataclass(frozen=True, slots=True)
class Proposal:
    """One round's plan and what it was made on; ``draft`` is the file with the actions.

    ``space`` is what doing it takes of the disk, None where nothing is to be done.
    """

    plan: Plan
    findings: tuple[Finding, ...]
    labels: dict[str, SessionLabel]
    database: dict[str, Any]
    outside: Outside
    schema: int | None
    birth: float | None
    digest: str
    live_reason: str | None
    side: SideFile
    draft: Path
    space: Space | None


@dataclass(slots=True)
class Repaired:
    """What a repair run did. ``waiting`` could not be done now, with the reason in words."""

    applied: list[Applied] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    waiting: list[tuple[Unit, str]] = field(default_factory=list)
    left: tuple[Outline, ...] = ()
    declined: bool = False
    after: Diagnosis | None = None

    @property
    def receipt(self) -> Path | None:
        """The newest receipt of this run, where something was tried."""
        return self.receipts[-1] if self.receipts else None

    @property
    def receipts(self) -> tuple[Path, ...]:
        """The receipts of this run in order; what undo restores from a backup has its own (R5)."""
        found = (applied.receipt for applied in self.applied)
        return tuple(dict.fromkeys(receipt for receipt in found if receipt is not None))

    @property
    def units(self) -> int:
        return sum(applied.units for applied in self.applied)

    @property
    def actions(self) -> int:
        return sum(applied.actions for applied in self.applied)

    @property
    def space(self) -> Space | None:
        """What the hungriest round needed of the disk, and what was free before it."""
        found = (applied.space for applied in self.applied if applied.space is not None)
        return max(found, key=lambda disk: disk.needed, default=None)

    @property
    def refused(self) -> list[tuple[Unit, HermesRepairError]]:
        return [pair for applied in self.applied for pair in applied.refused]

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was done (exit 0, else 4)."""
        return not self.refused and not self.waiting and not self.declined


def propose(
    home: Home,
    world: World,
    wishes: Wishes,
    selection: Selection,
    place: Path,
    *,
    choice: WalChoice | None = None,
    confirmed: frozenset[str] | None = None,
    backup: bool = False,
) -> Proposal:
    """Look and plan; changes nothing in the home.

    The actions go to a new file in ``place``, one unit at a time, so that a plan of any size takes
    little memory. ``confirmed``: only findings that an earlier look had too. Raises
    :class:`Refused` where the file itself is in question (DB001 to DB003).
    """

    def look(outside: Outside) -> Proposal:
        draft = place / f"{sum(1 for _ in place.iterdir()) + 1}.db"
        made = _propose(home, world, wishes, selection, choice, confirmed, outside, draft)
        if not made.plan.now:
            return made
        need = needed(outside, in_file(draft, made.plan.now), backup=backup)
        return replace(made, space=disk_space(home, need))

    return steady(home, world, look)


def _propose(
    home: Home,
    world: World,
    wishes: Wishes,
    selection: Selection,
    choice: WalChoice | None,
    confirmed: frozenset[str] | None,
    outside: Outside,
    draft: Path,
) -> Proposal:
    with visit(home, world, wishes, choice=choice, outside=outside) as scene:
        findings = examine(scene, Selection())
        fatal = next((f for f in findings if f.severity is Severity.FATAL), None)
        if fatal is not None and not (fatal.id == "DB002" and choice is not None):
            raise Refused(f"{fatal.id}: {fatal.message}", fatal.hint)
        if not readable(scene):
            raise Refused(
                f"{home.database} has no conversations.", "`hermes-repair doctor` says more."
            )
        if confirmed is not None:
            findings = [f for f in findings if f.fingerprint in confirmed]
        beside = not outside.alone
        header = _header(home, outside, world, scene.recognition.number, scene.birth)
        with planfile.create(draft, header) as file:
            outlines = file.append(proposals(scene, findings))
            made = plan(outlines, selection, beside_live=beside)
            digest = file.digest(one.number for one in made.now)
        return Proposal(
            plan=made,
            findings=tuple(findings),
            labels=labels(scene, tuple(findings)),
            database=facts(scene),
            outside=outside,
            schema=scene.recognition.number,
            birth=scene.birth,
            digest=digest,
            live_reason=f"{outside.openers.describe()}." if beside else None,
            side=scene.file.side,
            draft=draft,
            space=None,
        )


def _header(
    home: Home, outside: Outside, world: World, schema: int | None, birth: float | None
) -> Header:
    return Header(
        tool_version=__version__,
        command="repair",
        created=world.now(),
        database=str(home.database),
        base=outside.marks,
        schema=schema,
        birth=birth,
    )


def preview(
    home: Home,
    world: World,
    wishes: Wishes,
    selection: Selection,
    *,
    choice: WalChoice | None = None,
    backup: bool = False,
    plan_out: Path | None = None,
) -> Proposal:
    """Plan one round for a reader; ``plan_out`` also saves it for ``--plan``.

    Raises :class:`UsageError` where that file exists already.
    """
    if plan_out is not None and plan_out.exists():
        raise UsageError(f"{plan_out} exists already.", "Name a new file for --plan-out.")
    with scratch(0) as place:
        proposal = propose(home, world, wishes, selection, place, choice=choice, backup=backup)
        if plan_out is not None:
            with planfile.read(proposal.draft) as file:
                header = file.header()
            with planfile.create(plan_out, header) as file:
                file.append(in_file(proposal.draft, proposal.plan.now).units())
            planfile.sync(plan_out)
    return proposal


def repair(
    home: Home,
    world: World,
    wishes: Wishes,
    selection: Selection,
    agree: Callable[[Proposal], bool],
    *,
    command: str = "repair",
    choice: WalChoice | None = None,
    backup: bool = False,
) -> Repaired:
    """Plan and apply in rounds, then look afresh. ``agree`` is asked once, with the first plan.

    ``choice`` is what the user says about a -wal in question (DB002); without one it is refused.
    """
    folder = folder_of(home)
    result = Repaired()
    from_outside(home)  # raises where there is no database to change
    with single_run(folder), scratch(0) as place:
        asked = False
        if choice is not None:
            proposal = propose(home, world, wishes, selection, place, choice=choice, backup=backup)
            asked = proposal.side in IN_QUESTION
            if asked and not agree(proposal):
                result.declined = True
                return result
            if asked:
                result.recovered.append(answer_wal(home, folder, world, choice))
        result.recovered += recover(home, folder, world)
        confirmed = _confirmed(home, world, wishes)
        receipt: Path | None = None
        for number in range(ROUNDS):
            copy = backup and number == 0
            proposal = propose(
                home, world, wishes, selection, place, confirmed=confirmed, backup=copy
            )
            result.left = proposal.plan.left
            result.waiting = _why_waiting(proposal)
            if not proposal.plan.now:
                break
            if number == 0 and not asked and not agree(proposal):
                result.declined = True
                break
            draft = in_file(proposal.draft, proposal.plan.now)
            applied = apply_units(
                home,
                folder,
                world,
                proposal.outside,
                draft,
                resolver(home),
                command=command,
                schema=proposal.schema,
                birth=proposal.birth,
                backup=copy,
                receipt=receipt,
            )
            result.applied.append(applied)
            receipt = applied.receipt
            if draft.needs_backup and receipt is not None:
                close_receipt(receipt, folder, world)
                receipt = None
            if applied.refused or not applied.units:
                break
            result.after = diagnose(home, world, wishes, Selection(), confirm=False)
            if not _more(result.after, selection):
                break
        if receipt is not None:
            close_receipt(receipt, folder, world)
    if result.after is None or result.refused:
        result.after = diagnose(home, world, wishes, Selection(), confirm=False)
    return result


def _more(after: Diagnosis, selection: Selection) -> bool:
    """Whether the fresh look may show something that another round would do.

    Which sessions a repair touches only its plan says, so named sessions are not asked here.
    """
    asked = selection.unsafe or bool(selection.sessions)
    remedies = (Remedy.SAFE, Remedy.UNSAFE) if asked else (Remedy.SAFE,)
    return any(
        finding.remedy in remedies and selection.wants_id(finding.id) for finding in after.findings
    )


def _confirmed(home: Home, world: World, wishes: Wishes) -> frozenset[str] | None:
    """Beside a live Hermes, return what two looks agree on; alone one look is enough."""
    if from_outside(home).at_rest:
        return None
    seen = diagnose(home, world, wishes, Selection())
    return frozenset(finding.fingerprint for finding in seen.findings)


def _why_waiting(proposal: Proposal) -> list[tuple[Unit, str]]:
    if proposal.live_reason is None:
        return []
    return [(waiting.unit, proposal.live_reason) for waiting in proposal.plan.waiting]


def apply_saved(home: Home, world: World, path: Path) -> Repaired:
    """Apply a plan file of ``--plan-out``, exactly that. Refused where the base has changed."""
    folder = folder_of(home)
    with planfile.read(path) as file:
        header = file.header()
        outlines = [outline(record.number, record.unit) for record in file.records()]
    if header.database != str(home.database):
        raise Refused(
            f"This plan is for {header.database}, not for {home.database}.",
            "Make one for this home with `hermes-repair repair --dry-run --plan-out FILE`.",
        )
    result = Repaired()
    with single_run(folder):
        result.recovered = recover(home, folder, world)
        outside = from_outside(home)
        require_no_question(home, outside, folder)
        if outside.marks != header.base:
            raise Refused(
                "The database changed after this plan was made.",
                "Make a new one with `hermes-repair repair --dry-run --plan-out FILE`.",
            )
        if not outside.alone and not all(one.unit.live for one in outlines):
            raise InUse(f"{outside.openers.describe()}.", "Stop it, then run this again.")
        result.applied.append(
            apply_units(
                home,
                folder,
                world,
                outside,
                in_file(path, outlines),
                resolver(home),
                command=header.command,
                schema=header.schema,
                birth=header.birth,
            )
        )
        if result.receipt is not None:
            close_receipt(result.receipt, folder, world)
    result.after = diagnose(home, world, Wishes(), Selection(), confirm=False)
    return result
