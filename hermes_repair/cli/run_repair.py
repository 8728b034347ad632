"""``repair`` from options to an exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hermes_repair.app import repair as app
from hermes_repair.app.environment import Environment
from hermes_repair.app.file_status import place_of
from hermes_repair.app.proposal import UNREAD, Proposal, waiting
from hermes_repair.app.repair import Repaired
from hermes_repair.app.saved_plan import apply_saved
from hermes_repair.cli.run_doctor import shown_labels
from hermes_repair.cli.space import space_entry, space_lines
from hermes_repair.cli.target import Target, each_home, heading
from hermes_repair.home.layout import Home
from hermes_repair.model.choices import ForkOptions, LookOptions, Selection, WalChoice
from hermes_repair.model.commands_to_type import quoted
from hermes_repair.model.errors import ExitCode, HermesRepairError, Refused, UsageError
from hermes_repair.model.findings import Severity
from hermes_repair.model.plans import Outline
from hermes_repair.model.session_label import SessionLabel
from hermes_repair.model.words import count, size, verb
from hermes_repair.report import json_documents
from hermes_repair.report.json_documents import summary
from hermes_repair.report.lines import Line, as_asked, show

LOOKS_AGAIN = (
    "After these steps it checks again. What only shows then is reported, and asked about on a"
    " terminal."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of one ``repair``."""

    dry_run: bool = False
    yes: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    unsafe: bool = False
    plan_out: Path | None = None
    plan: Path | None = None
    backup: bool = False
    wal: str | None = None
    timezone: str | None = None
    before: datetime | None = None
    forks: ForkOptions | None = None

    @property
    def look_options(self) -> LookOptions:
        return LookOptions(
            timezone=self.timezone,
            named=frozenset(self.sessions),
            before=self.before.timestamp() if self.before is not None else None,
            forks=self.forks,
        )

    @property
    def selection(self) -> Selection:
        return Selection(
            select=self.select,
            ignore=self.ignore,
            sessions=frozenset(self.sessions),
            unsafe=self.unsafe,
        )

    def typed(self, command: str) -> str:
        """Return the words that do without ``--dry-run`` what these options show with it."""
        sessions = [quoted(session) for session in self.sessions]
        if command == "backfill":
            words = [command, *sessions, *(["--all"] if self.unsafe else [])]
            words += [f"--before {self.before.isoformat()}"] if self.before is not None else []
        else:
            words = [command, *(f"--session {session}" for session in sessions)]
            words += [f"--select {','.join(self.select)}"] if self.select else []
            words += [f"--ignore {','.join(self.ignore)}"] if self.ignore else []
            words += ["--unsafe"] if self.unsafe else []
            words += ["--backup"] if self.backup else []
            words += [f"--wal {self.wal}"] if self.wal is not None else []
        words += [f"--timezone {quoted(self.timezone)}"] if self.timezone is not None else []
        return " ".join(words)

    @property
    def choice(self) -> WalChoice | None:
        return WalChoice(self.wal) if self.wal is not None else None


def repair(target: Target, asked: Asked, command: str = "repair") -> int:
    """Plan, show, ask, apply, verify; for every home that is meant."""
    if asked.plan is not None and (asked.select or asked.sessions or asked.unsafe or asked.dry_run):
        raise UsageError(
            "--plan applies a saved plan as it is; you cannot select parts of it.",
            "Leave out --select, --session, --unsafe and --dry-run.",
        )
    return each_home(
        target,
        lambda home, environment: at_home(
            home, environment, asked, target, command, asked.typed(command)
        ),
    )


def at_home(
    home: Home, environment: Environment, asked: Asked, target: Target, command: str, typed: str
) -> tuple[ExitCode, dict[str, Any] | None]:
    """Repair one home. ``command`` names the receipt, ``typed`` is what does it after a dry run."""
    if asked.dry_run or asked.plan_out is not None:
        return _dry_run(home, environment, asked, target, command, typed)
    require_yes(asked.yes)
    if asked.plan is not None:
        return _done(apply_saved(home, environment, asked.plan), home, target)
    shown = False

    def agree(proposal: Proposal) -> bool:
        nonlocal shown
        again, shown = shown, not asked.yes
        return asked.yes or _ask(proposal, home, target, command, again=again)

    result = app.repair(
        home,
        environment,
        asked.look_options,
        asked.selection,
        agree,
        command=command,
        choice=asked.choice,
        backup=asked.backup,
    )
    return _done(result, home, target, headed=shown)


def require_yes(yes: bool, look: str = ", or --dry-run to see what it would do.") -> None:
    """Off a terminal nothing is written to state.db without --yes.

    ``look`` ends the hint: how to see beforehand what would be done.
    """
    if not yes and not sys.stdin.isatty():
        raise Refused(
            "This changes the database, and there is no terminal to ask on.",
            f"Add --yes to go ahead{look}",
        )


def _dry_run(
    home: Home, environment: Environment, asked: Asked, target: Target, command: str, typed: str
) -> tuple[ExitCode, dict[str, Any] | None]:
    if asked.plan_out is not None and not asked.plan_out.parent.is_dir():
        raise UsageError(
            f"The folder {asked.plan_out.parent} for the plan does not exist.",
            "Give --plan-out a file in a folder that exists.",
        )
    proposal = app.preview(
        home,
        environment,
        asked.look_options,
        asked.selection,
        choice=asked.choice,
        backup=asked.backup,
        plan_out=asked.plan_out,
    )
    blocked = bool(waiting(proposal, asked.selection))
    short = proposal.space is not None and not proposal.space.enough
    code = ExitCode.REFUSED if blocked or short else ExitCode.OK
    if target.as_json:
        return code, {
            **json_documents.envelope(str(home.root), proposal.database),
            "space": space_entry(proposal.space),
            "plan": {
                "actions": summary(proposal.plan.now),
                "waiting": summary(proposal.plan.waiting),
                "blocked": [
                    {"unit": one.unit.summary, "message": why} for one, why in proposal.blocked
                ],
                "left": summary(proposal.plan.left),
                "unproven": list(proposal.unproven),
                "digest": proposal.digest,
                "saved": str(asked.plan_out) if asked.plan_out is not None else None,
            },
        }
    lines = [*heading(home, proposal.database), *plan_lines(proposal, target, command)]
    if asked.plan_out is not None:
        command = f"`hermes-repair repair --plan {quoted(str(asked.plan_out))}`"
        told = f"The plan is in {asked.plan_out}. Apply it with {target.typed(home, command)}."
        lines.append(Line(told))
    elif proposal.plan.now:
        lines.append(
            Line(target.typed(home, f"Nothing was changed. Next: hermes-repair {typed}"), "head")
        )
    target.say(lines)
    return code, None


_FOR_MORE = {
    "repair": "name the session (--session ID) or add --unsafe",
    "backfill": "name the session, or add --all",
}


def plan_lines(proposal: Proposal, target: Target, command: str = "repair") -> list[Line]:
    """Return the plan for a reader: what is done, what waits, what nobody asked for.

    ``command`` is the one that was typed.
    """
    plan = proposal.plan
    labels = shown_labels(proposal.labels, target)
    lines = [Line("")]
    if not plan.now and not plan.waiting and not proposal.blocked:
        lines.append(Line("There is nothing to repair.", "good"))
    if plan.now:
        lines.append(Line(f"The plan has {count(len(plan.now), 'step')}:", "head", asked=True))
        lines += as_asked([Line(f"  {_step(one, labels)}") for one in plan.now])
        lines.append(Line(LOOKS_AGAIN, "dim"))
        lines += space_lines(proposal.space)
    if plan.waiting:
        why = proposal.live_reason or "They are planned again when the steps above are done."
        waits = f"{count(len(plan.waiting), 'step')} must wait. {why}"
        lines += [Line(""), Line(waits, "warning", asked=True)]
        lines += as_asked([Line(f"  {_step(one, labels)}") for one in plan.waiting])
    for one, why in proposal.blocked:
        lines.append(Line(f"Not possible: {one.unit.summary}. {why}", "warning", asked=True))
    for message in proposal.unproven:
        lines.append(Line(f"Waiting: {UNREAD}. {message}", "warning", asked=True))
    if proposal.held.receipts:
        names = ", ".join(proposal.held.receipts)
        told = (
            f"{names} was interrupted and is finished first, as soon as nobody else has the"
            " database open."
        )
        lines.append(Line(told, "warning", asked=True))
    if plan.left:
        lines += [
            Line(""),
            Line(
                f"Skipped: needs your decision ({count(len(plan.left), 'step')});"
                f" {_FOR_MORE.get(command, _FOR_MORE['repair'])}:",
                "dim",
            ),
        ]
        lines += [Line(f"  {_step(one, labels)}", "dim") for one in plan.left]
    return lines


def _step(outline: Outline, labels: dict[str, SessionLabel]) -> str:
    unit = outline.unit
    label = labels.get(unit.subject)
    named = f" [{label.words()}]" if label is not None else ""
    rows = count(outline.actions, "change")
    return f"{', '.join(unit.finding_ids)} {unit.summary}{named}; {rows}, {unit.safety.value}"


def _ask(proposal: Proposal, home: Home, target: Target, command: str, *, again: bool) -> bool:
    head = heading(home, proposal.database)
    if again:
        head = [Line(""), Line("Checking again after these steps shows more to do.", "head")]
    show([*head, *plan_lines(proposal, target, command)], stream="stderr")
    return ask("Apply this plan?")


def ask(question: str) -> bool:
    """Ask a person at a terminal; anything but yes is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _done(
    result: Repaired, home: Home, target: Target, *, headed: bool = False
) -> tuple[ExitCode, dict[str, Any] | None]:
    code = ExitCode.OK if result.complete else ExitCode.REFUSED
    after = result.after
    if target.as_json:
        return code, {
            **json_documents.envelope(str(home.root), after.database if after else place_of(home)),
            "space": space_entry(result.space),
            "recovered": result.recovered,
            "receipt": _receipt(result),
            "later": summary(result.later),
            "stopped": stopped_entry(result.stopped),
            "wal_left": result.wal_left,
            "refused": [
                {"unit": unit.summary, "message": error.message, "hint": str(error.hint)}
                for unit, error in result.refused
            ],
            "waiting": [{"unit": what, "message": why} for what, why in result.waiting],
            "left": summary(result.left),
            "findings": [json_documents.finding(f, after.accepted) for f in after.findings]
            if after
            else [],
        }
    head = [] if headed else heading(home, after.database if after is not None else None)
    target.say([*head, *_done_lines(result, home, target)])
    return code, None


def _receipt(result: Repaired) -> dict[str, Any] | None:
    if result.receipt is None:
        return None
    return {
        "id": result.receipt.stem,
        "path": str(result.receipt),
        "all": [receipt.stem for receipt in result.receipts],
        "units": result.units,
        "actions": result.actions,
        "rows": result.actions,
    }


def _named(result: Repaired) -> str:
    names = [receipt.stem for receipt in result.receipts]
    return f"Receipt{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _later_lines(result: Repaired) -> list[Line]:
    """Name the steps that the plan could not show, because the others brought them to light."""
    if not result.later:
        return []
    told = f"{count(len(result.later), 'step')} of these showed only after the others were done:"
    steps = (f"{', '.join(one.unit.finding_ids)} {one.unit.summary}" for one in result.later)
    return [Line(told), *(Line(f"  {step}") for step in steps)]


def _stopped_lines(result: Repaired, home: Home, target: Target) -> list[Line]:
    """Say what kept the run from going on, and from looking at what it did."""
    lines = []
    if result.stopped is not None:
        told = (
            f"It stopped there: {result.stopped.message} What is listed above is done and stays;"
            " it was not checked again. Fix that, then: hermes-repair doctor"
        )
        lines.append(Line(target.typed(home, told), "error", asked=True))
    return [*lines, *wal_lines(result.wal_left)]


def wal_lines(left: int) -> list[Line]:
    """Say what a -wal of ``left`` bytes is that our last connection had to leave behind."""
    if not left:
        return []
    told = (
        f"state.db-wal ({size(left)}) stays beside state.db and belongs to it: SQLite could not"
        " merge it (is the disk full?). Keep the two together; Hermes merges it on its next start."
    )
    return [Line(told, "warning", asked=True)]


def stopped_entry(error: HermesRepairError | None) -> dict[str, str] | None:
    """Return the JSON entry of what kept a run from going on after something was done."""
    return None if error is None else {"message": error.message, "hint": str(error.hint)}


def _done_lines(result: Repaired, home: Home, target: Target) -> list[Line]:
    lines = [Line(sentence) for sentence in result.recovered]
    if result.declined:
        return [*lines, Line("Nothing was changed.", asked=True)]
    if result.receipt is None:
        lines.append(Line("There was nothing to repair.", "good"))
    else:
        lines.append(
            Line(
                f"Done: {count(result.units, 'step')}, {count(result.actions, 'change')}."
                f" {_named(result)}.",
                "good",
            )
        )
        lines += _later_lines(result)
        first = f" {result.receipts[0].stem}" if len(result.receipts) > 1 else ""
        lines += space_lines(result.space, done=True)
        lines.append(Line(target.typed(home, f"To undo it: hermes-repair undo{first}")))
    lines += _stopped_lines(result, home, target)
    for unit, error in result.refused:
        hint = target.typed(home, error.hint)
        told = f"Not done: {unit.summary}. {error.message} {hint}"
        lines.append(Line(told, "error", asked=True))
    for what, why in result.waiting:
        lines.append(Line(f"Waiting: {what}. {why}", "warning", asked=True))
    if result.left:
        lines.append(
            Line(
                f"Skipped: {count(len(result.left), 'step')} that"
                f" {verb(len(result.left), 'needs', 'need')} your decision;"
                f" {target.typed(home, '`hermes-repair repair --dry-run`')} lists them.",
                "dim",
            )
        )
    after = result.after
    if after is not None:
        rest = [f for f in after.findings if f.severity > Severity.INFO]
        told = "The doctor now finds only notes."
        if rest:
            look = f"{target.typed(home, '`hermes-repair doctor`')} names"
            told = f"The doctor still finds {count(len(rest), 'problem')}; {look}"
            told += " it." if len(rest) == 1 else " them."
        lines.append(Line(told, "warning" if rest else "dim"))
    return lines
