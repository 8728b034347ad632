"""``repair``: rounds of look, plan, apply, until a fresh look has nothing left to do.

Units that touch the same session wait for one another, so what a later round does is planned from
what the earlier one left. ``--dry-run`` shows the first round and who waits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hermes_repair.app.apply_units import write_units
from hermes_repair.app.diagnose import diagnose
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import folder_of, left_wal, read_file_status
from hermes_repair.app.preflight import single_run
from hermes_repair.app.proposal import Proposal, propose
from hermes_repair.app.recover import CutOff, cut_off, recover
from hermes_repair.app.repair_result import Repaired
from hermes_repair.app.rounds import Rounds, look_after
from hermes_repair.app.wal_answer import answer_wal
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import LookOptions, Selection, WalChoice
from hermes_repair.model.errors import UsageError
from hermes_repair.records import plan_database
from hermes_repair.store.file_state import IN_QUESTION
from hermes_repair.store.private_copies import scratch


def preview(
    home: Home,
    environment: Environment,
    look_options: LookOptions,
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
        raise UsageError(f"{plan_out} already exists.", "Give --plan-out a new file.")
    with scratch(0) as place:
        proposal = propose(
            home, environment, look_options, selection, place, choice=choice, backup=backup
        )
        draft = proposal.draft
        if plan_out is not None and draft.path is not None:
            with plan_database.read(draft.path) as file:
                header = file.header()
            with plan_database.create(plan_out, header) as file:
                write_units(file, draft)
            plan_database.sync(plan_out)
    return proposal


def repair(
    home: Home,
    environment: Environment,
    look_options: LookOptions,
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
    read_file_status(home)  # raises where there is no database to change
    with single_run(folder), scratch(0) as place:
        asked = False
        if choice is not None:
            proposal = propose(
                home, environment, look_options, selection, place, choice=choice, backup=backup
            )
            asked = proposal.side in IN_QUESTION
            if asked and not agree(proposal):
                result.declined = True
                return result
            if asked:
                result.recovered.append(answer_wal(home, folder, environment, choice))
        held = CutOff() if read_file_status(home).alone else cut_off(folder)
        if not held.receipts:
            result.recovered += recover(home, folder, environment)
        rounds = Rounds(
            home,
            environment,
            look_options,
            selection,
            place,
            agree,
            command,
            backup,
            asked,
            held,
            confirmed=_confirmed(home, environment, look_options),
        )
        result.go_on(lambda: rounds.run(result))
        result.go_on(rounds.close)
    result.go_on(lambda: look_afresh(home, environment, look_options, result))
    return result


def look_afresh(
    home: Home, environment: Environment, look_options: LookOptions, result: Repaired
) -> None:
    """Say what is there now, if the last round did not."""
    if result.applied:
        result.wal_left = left_wal(read_file_status(home))
    if result.after is None and result.stopped is None:
        result.after = look_after(home, environment, look_options)


def _confirmed(
    home: Home, environment: Environment, look_options: LookOptions
) -> frozenset[str] | None:
    """Beside a live Hermes, return what two looks agree on; alone one look is enough."""
    if read_file_status(home).at_rest:
        return None
    seen = diagnose(home, environment, look_options, Selection())
    return frozenset(finding.fingerprint for finding in seen.findings)
