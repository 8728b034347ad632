"""``repair``: rounds of look, plan, apply, until a fresh look has nothing left to do.

Units that touch the same session wait for one another, so what a later round does is planned from
what the earlier one left (design section 4). ``--dry-run`` shows the first round and who waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hermes_repair import __version__
from hermes_repair.app.applying import Applied, apply_units, close_receipt
from hermes_repair.app.diagnose import Diagnosis, diagnose, examine, facts, labels, readable, steady
from hermes_repair.app.outside import Outside, folder_of, from_outside
from hermes_repair.app.preflight import single_run
from hermes_repair.app.recover import recover
from hermes_repair.app.resolving import resolver
from hermes_repair.app.visit import visit
from hermes_repair.app.world import World
from hermes_repair.checks.registry import proposals
from hermes_repair.checks.scene import Wishes
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import HermesRepairError, InUse, Refused, UsageError
from hermes_repair.model.findings import Finding, Severity
from hermes_repair.model.plans import Header, Unit
from hermes_repair.records import planfile
from hermes_repair.repair.planner import Plan, Selection, plan
from hermes_repair.report.doctor import SessionLabel
from hermes_repair.store.scratch import scratch
from hermes_repair.store.views import WalChoice

ROUNDS = 12  # families times one; a plan that never ends would be a defect, not a repair


@dataclass(frozen=True, slots=True)
class Proposal:
    """One round's plan and what it was made on."""

    plan: Plan
    findings: tuple[Finding, ...]
    labels: dict[str, SessionLabel]
    database: dict[str, Any]
    outside: Outside
    schema: int | None
    birth: float | None
    digest: str
    live_reason: str | None


@dataclass(slots=True)
class Repaired:
    """What a repair run did. ``waiting`` could not be done now, with the reason in words."""

    applied: list[Applied] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    waiting: list[tuple[Unit, str]] = field(default_factory=list)
    left: tuple[Unit, ...] = ()
    declined: bool = False
    after: Diagnosis | None = None

    @property
    def receipt(self) -> Path | None:
        """The receipt of this run, where something was tried."""
        return next((a.receipt for a in reversed(self.applied) if a.receipt is not None), None)

    @property
    def units(self) -> int:
        return sum(applied.units for applied in self.applied)

    @property
    def actions(self) -> int:
        return sum(applied.actions for applied in self.applied)

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
    *,
    choice: WalChoice | None = None,
    confirmed: frozenset[str] | None = None,
) -> Proposal:
    """Look and plan; changes nothing. ``confirmed``: only findings that an earlier look had too.

    Raises :class:`Refused` where the file itself is in question (DB001 to DB003).
    """
    return steady(
        home, world, lambda seen: _propose(home, world, wishes, selection, choice, confirmed, seen)
    )


def _propose(
    home: Home,
    world: World,
    wishes: Wishes,
    selection: Selection,
    choice: WalChoice | None,
    confirmed: frozenset[str] | None,
    outside: Outside,
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
        units = list(proposals(scene, findings))
        beside = not outside.alone
        made = plan(units, selection, beside_live=beside)
        return Proposal(
            plan=made,
            findings=tuple(findings),
            labels=labels(scene, tuple(findings)),
            database=facts(scene),
            outside=outside,
            schema=scene.recognition.number,
            birth=scene.birth,
            digest=_digest(made, home, outside),
            live_reason=f"{outside.openers.describe()}." if beside else None,
        )


def _digest(made: Plan, home: Home, outside: Outside) -> str:
    with scratch(1 << 20) as folder:
        path = folder / "plan.db"
        with planfile.create(path, _header(home, outside, "repair", 0.0, None, None)) as file:
            file.append(made.now)
            return file.digest()


def _header(
    home: Home,
    outside: Outside,
    command: str,
    now: float,
    schema: int | None,
    birth: float | None,
) -> Header:
    return Header(
        tool_version=__version__,
        command=command,
        created=now,
        database=str(home.database),
        base=outside.marks,
        schema=schema,
        birth=birth,
    )


def save(proposal: Proposal, home: Home, world: World, path: Path) -> None:
    """Write the plan to a file of the user's for ``--plan``."""
    if path.exists():
        raise UsageError(f"{path} exists already.", "Name a new file for --plan-out.")
    header = _header(home, proposal.outside, "repair", world.now(), proposal.schema, proposal.birth)
    with planfile.create(path, header) as file:
        file.append(proposal.plan.now)
    planfile.sync(path)


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
    """Plan and apply in rounds, then look afresh. ``agree`` is asked once, with the first plan."""
    folder = folder_of(home)
    result = Repaired()
    with single_run(folder):
        result.recovered = recover(home, folder, world)
        confirmed = _confirmed(home, world, wishes, choice)
        for number in range(ROUNDS):
            proposal = propose(home, world, wishes, selection, choice=choice, confirmed=confirmed)
            result.left = proposal.plan.left
            result.waiting = _why_waiting(proposal)
            if not proposal.plan.now:
                break
            if number == 0 and not agree(proposal):
                result.declined = True
                break
            applied = apply_units(
                home,
                folder,
                world,
                proposal.outside,
                proposal.plan.now,
                resolver(home),
                command=command,
                schema=proposal.schema,
                birth=proposal.birth,
                backup=backup and number == 0,
                receipt=result.receipt,
                ignore_wal=choice is WalChoice.IGNORE,
            )
            result.applied.append(applied)
            choice = None
            if applied.refused or not applied.units:
                break
        if result.receipt is not None:
            close_receipt(result.receipt, folder, world)
    result.after = diagnose(home, world, wishes, Selection(), confirm=False)
    return result


def _confirmed(
    home: Home, world: World, wishes: Wishes, choice: WalChoice | None
) -> frozenset[str] | None:
    """Beside a live Hermes, return what two looks agree on; alone one look is enough."""
    if from_outside(home).at_rest:
        return None
    seen = diagnose(home, world, wishes, Selection(), choice=choice)
    return frozenset(finding.fingerprint for finding in seen.findings)


def _why_waiting(proposal: Proposal) -> list[tuple[Unit, str]]:
    if proposal.live_reason is None:
        return []
    return [(unit, proposal.live_reason) for unit in proposal.plan.waiting]


def apply_saved(home: Home, world: World, path: Path) -> Repaired:
    """Apply a plan file of ``--plan-out``, exactly that. Refused where the base has changed."""
    folder = folder_of(home)
    with planfile.read(path) as file:
        header = file.header()
        units = [record.unit for record in file.records()]
    if header.database != str(home.database):
        raise Refused(
            f"This plan is for {header.database}, not for {home.database}.",
            "Make one for this home with `hermes-repair repair --dry-run --plan-out FILE`.",
        )
    with single_run(folder):
        outside = from_outside(home)
        if outside.marks != header.base:
            raise Refused(
                "The database changed after this plan was made.",
                "Make a new one with `hermes-repair repair --dry-run --plan-out FILE`.",
            )
        if not outside.alone and not all(unit.live for unit in units):
            raise InUse(f"{outside.openers.describe()}.", "Stop it, then run this again.")
        result = Repaired()
        result.applied.append(
            apply_units(
                home,
                folder,
                world,
                outside,
                units,
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
