"""``repair``: rounds of look, plan, apply, until a fresh look has nothing left to do.

Units that touch the same session wait for one another, so what a later round does is planned from
what the earlier one left (design section 4). ``--dry-run`` shows the first round and who waits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hermes_repair.app.applying import in_file
from hermes_repair.app.diagnose import diagnose
from hermes_repair.app.outside import folder_of, from_outside, left_wal
from hermes_repair.app.preflight import single_run
from hermes_repair.app.proposal import Proposal, propose
from hermes_repair.app.recover import CutOff, cut_off, recover
from hermes_repair.app.repaired import Repaired
from hermes_repair.app.rounds import Rounds, look_after
from hermes_repair.app.wal import answer_wal
from hermes_repair.app.world import World
from hermes_repair.checks.scene import Wishes
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import UsageError
from hermes_repair.records import planfile
from hermes_repair.repair.planner import Selection
from hermes_repair.store.scratch import scratch
from hermes_repair.store.views import IN_QUESTION, WalChoice


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
    """Plan and apply in rounds, then look afresh.

    ``agree`` is asked with the first plan, and again with a later one that has steps which the
    first could not name. ``choice`` is what the user says about a -wal in question (DB002);
    without one it is refused.
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
        rounds = Rounds(
            home,
            world,
            wishes,
            selection,
            place,
            agree,
            command,
            backup,
            asked,
            held,
            confirmed=_confirmed(home, world, wishes),
        )
        result.go_on(lambda: rounds.run(result))
        result.go_on(rounds.close)
    result.go_on(lambda: look_afresh(home, world, wishes, result))
    return result


def look_afresh(home: Home, world: World, wishes: Wishes, result: Repaired) -> None:
    """Say what is there now, if the last round did not."""
    if result.applied:
        result.wal_left = left_wal(from_outside(home))
    if result.after is None and result.stopped is None:
        result.after = look_after(home, world, wishes)


def _confirmed(home: Home, world: World, wishes: Wishes) -> frozenset[str] | None:
    """Beside a live Hermes, return what two looks agree on; alone one look is enough."""
    if from_outside(home).at_rest:
        return None
    seen = diagnose(home, world, wishes, Selection())
    return frozenset(finding.fingerprint for finding in seen.findings)
