"""Rounds of look, plan, apply: what a later one does is planned from what the earlier one left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermes_repair.app.apply_units import Applied, apply_units, close_receipt
from hermes_repair.app.diagnose import Diagnosis, diagnose
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import folder_of
from hermes_repair.app.proposal import Proposal, propose, waiting
from hermes_repair.app.recover import CutOff
from hermes_repair.app.repair_result import Repaired
from hermes_repair.app.source_resolver import resolver
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import LookOptions, Selection
from hermes_repair.model.findings import Remedy
from hermes_repair.model.plans import Outline

ROUNDS = 12  # families times one; a plan that never ends would be a defect, not a repair
NOT_AGREED = "It showed only after the steps before it were done, and you did not agree to it."


@dataclass(slots=True)
class Rounds:
    """The rounds of one run of ``repair``, whose lock is held; ``place`` is a scratch folder.

    ``asked``: the user has agreed to the first plan already. ``confirmed`` and ``held`` are as in
    :func:`~hermes_repair.app.proposal.propose`. ``receipt`` is the one that is open.
    """

    home: Home
    environment: Environment
    look_options: LookOptions
    selection: Selection
    place: Path
    agree: Callable[[Proposal], bool]
    command: str
    backup: bool
    asked: bool
    held: CutOff
    confirmed: frozenset[str] | None
    receipt: Path | None = None

    def run(self, result: Repaired) -> None:
        """Go on until a fresh look has nothing left to do; what was done stands in ``result``.

        The first plan is asked for once. A later one is asked for again where it has steps that the
        first could not name (R3).
        """
        announced: Sequence[Outline] | None = None
        for number in range(ROUNDS):
            backup = self.backup and number == 0
            proposal = self._propose(backup)
            plan = proposal.plan
            result.left = plan.left
            result.waiting = waiting(proposal, self.selection)
            if not plan.now:
                return
            new = unannounced(plan.now, announced) if announced is not None else ()
            due = new if announced is not None else not self.asked
            if due and not self.agree(proposal):
                result.declined = announced is None
                result.waiting += [(one.unit.summary, NOT_AGREED) for one in new]
                return
            if announced is None:
                announced = (*plan.now, *plan.waiting)
            applied = self._apply(proposal, backup)
            result.add(applied, new)
            if any(one.needs_backup for one in plan.now):
                self.close()
            result.after = None
            if applied.refused or not applied.units:
                return
            result.after = look_after(self.home, self.environment, self.look_options)
            if not more(result.after, self.selection):
                return

    def close(self) -> None:
        """Close the receipt that is open, if one is."""
        if self.receipt is not None:
            close_receipt(self.receipt, self.home, folder_of(self.home), self.environment)
            self.receipt = None

    def _propose(self, backup: bool) -> Proposal:
        return propose(
            self.home,
            self.environment,
            self.look_options,
            self.selection,
            self.place,
            confirmed=self.confirmed,
            backup=backup,
            held=self.held,
        )

    def _apply(self, proposal: Proposal, backup: bool) -> Applied:
        applied = apply_units(
            self.home,
            folder_of(self.home),
            self.environment,
            proposal.file_status,
            proposal.draft,
            resolver(self.home),
            command=self.command,
            schema=proposal.schema,
            birth=proposal.birth,
            backup=backup,
            receipt=self.receipt,
        )
        self.receipt = applied.receipt
        return applied


def unannounced(outlines: Sequence[Outline], announced: Sequence[Outline]) -> tuple[Outline, ...]:
    """Return the steps that the first plan neither did nor named among those that wait."""
    named: dict[str, set[str]] = {}
    for one in announced:
        named.setdefault(one.unit.subject, set()).update(one.unit.finding_ids)
    return tuple(
        one
        for one in outlines
        if not set(one.unit.finding_ids) <= named.get(one.unit.subject, set())
    )


def look_after(home: Home, environment: Environment, look_options: LookOptions) -> Diagnosis:
    """Return what the doctor finds after steps of a repair."""
    return diagnose(home, environment, look_options, Selection(), confirm=False)


def more(after: Diagnosis, selection: Selection) -> bool:
    """Whether the fresh look may show something that another round would do.

    Which sessions a repair touches only its plan says, so named sessions are not asked here.
    """
    asked = selection.unsafe or bool(selection.sessions)
    remedies = (Remedy.SAFE, Remedy.UNSAFE) if asked else (Remedy.SAFE,)
    return any(
        finding.remedy in remedies and selection.wants_id(finding.id) for finding in after.findings
    )
