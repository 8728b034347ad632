"""``repair``: rounds of look, plan, apply, until a fresh look has nothing left to do.

Units that touch the same session wait for one another, so what a later round does is planned from
what the earlier one left (design section 4). ``--dry-run`` shows the first round and who waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair.app.applying import Applied, apply_units, close_receipt, in_file
from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.outside import folder_of, from_outside
from hermes_repair.app.preflight import (
    Space,
    require_no_question,
    single_run,
)
from hermes_repair.app.proposal import Proposal, propose, waiting
from hermes_repair.app.recover import CutOff, cut_off, recover
from hermes_repair.app.resolving import resolver
from hermes_repair.app.wal import answer_wal
from hermes_repair.app.world import World
from hermes_repair.checks.scene import Wishes
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import HermesRepairError, InUse, Refused, UsageError
from hermes_repair.model.findings import Remedy
from hermes_repair.model.plans import Outline, Unit, outline
from hermes_repair.records import planfile
from hermes_repair.repair.planner import Selection
from hermes_repair.store.scratch import scratch
from hermes_repair.store.views import IN_QUESTION, WalChoice

ROUNDS = 12  # families times one; a plan that never ends would be a defect, not a repair


@dataclass(slots=True)
class Repaired:
    """What a repair run did. ``waiting`` could not be done now: what, and the reason in words."""

    applied: list[Applied] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
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
        held = CutOff() if from_outside(home).alone else cut_off(folder)
        if not held.receipts:
            result.recovered += recover(home, folder, world)
        confirmed = _confirmed(home, world, wishes)
        receipt: Path | None = None
        for number in range(ROUNDS):
            copy = backup and number == 0
            proposal = propose(
                home,
                world,
                wishes,
                selection,
                place,
                confirmed=confirmed,
                backup=copy,
                held=held,
            )
            result.left = proposal.plan.left
            result.waiting = waiting(proposal, selection)
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
