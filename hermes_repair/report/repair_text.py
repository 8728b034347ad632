"""A plan of ``repair`` and what became of it, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hermes_repair.app.plan_words import Words
from hermes_repair.app.proposal import UNREAD, Proposal
from hermes_repair.app.repair import Repaired
from hermes_repair.model.commands_to_type import Command, advice, command
from hermes_repair.model.words import count, verb
from hermes_repair.report import json_documents
from hermes_repair.report.audience import Audience
from hermes_repair.report.disk_text import space_entry, space_lines, wal_lines
from hermes_repair.report.json_documents import summary
from hermes_repair.report.lines import Line, as_asked
from hermes_repair.report.step_text import Steps, total

LOOKS_AGAIN = (
    "After these steps it checks again. What only shows then is reported, and asked about on a"
    " terminal."
)
MORE_TO_DO = (
    Line(""),
    Line("Checking again after these steps shows more to do.", "head"),
)
CHOSEN = (Line(""), Line("What you chose:", "head"))
_FOR_MORE = {
    "repair": "name the session (--session ID) or add --unsafe",
    "backfill": "name the session, or add --all",
}


def plan_document(proposal: Proposal, saved: Path | None) -> dict[str, Any]:
    """Return a plan as JSON; ``saved`` is the file that it was written to."""
    plan = proposal.plan
    blocked = [{"unit": one.unit.summary, "message": why} for one, why in proposal.blocked]
    return {
        "space": space_entry(proposal.space),
        "plan": {
            "actions": summary(plan.now),
            "waiting": summary(plan.waiting),
            "blocked": blocked,
            "left": summary(plan.left),
            "unproven": list(proposal.unproven),
            "digest": proposal.digest,
            "saved": str(saved) if saved is not None else None,
        },
    }


def plan_lines(  # noqa: PLR0913 - how much of it is shown, by name
    proposal: Proposal,
    audience: Audience,
    name: str,
    words: Mapping[int, Words] | None = None,
    *,
    asking: bool = False,
    brief: bool = False,
) -> Iterator[Line]:
    """Yield a plan: what is done, what waits, what nobody asked for.

    ``name`` is the command that was typed, ``words`` what is shown of what comes back. A terminal
    shows the ten biggest steps of a long plan, but with -v. ``asking``: the reader can ask for the
    rest, and for what nobody asked for. ``brief``: as much of it as a screen has room for.
    """
    plan = proposal.plan
    steps = Steps(
        proposal,
        audience,
        words or {},
        brief=brief,
        more="`list` shows all" if asking else "-v lists all",
    )
    yield Line("")
    if not (plan.now or plan.waiting or proposal.blocked or proposal.unproven):
        yield _nothing(left=len(plan.left), problems=proposal.problems)
        if proposal.problems:
            yield _still_found(proposal.problems, audience)
    if plan.now:
        yield Line(f"The plan has {count(len(plan.now), 'step')}:", "head", asked=True)
        yield Line(total(plan.now), "good")
        yield from as_asked(steps.lines(plan.now))
        yield Line(LOOKS_AGAIN, "dim")
        yield from space_lines(proposal.space)
    if plan.waiting:
        again = verb(len(plan.waiting), "It is", "They are")
        why = proposal.live_reason or f"{again} planned again when the steps above are done."
        yield Line("")
        yield Line(f"{count(len(plan.waiting), 'step')} must wait. {why}", "warning", asked=True)
        yield from as_asked(steps.lines(plan.waiting))
    for one, why in proposal.blocked:
        yield Line(f"Not possible: {one.unit.summary}. {why}", "warning", asked=True)
    for message in proposal.unproven:
        yield Line(f"Waiting: {UNREAD}. {message}", "warning", asked=True)
    if proposal.held.receipts:
        text = (
            f"{', '.join(proposal.held.receipts)} was interrupted and is finished first, as soon as"
            " nobody else has the database open."
        )
        yield Line(text, "warning", asked=True)
    if plan.left:
        yield Line("")
        if asking and not audience.verbose:
            others = count(len(plan.left), "other step")
            needs = verb(len(plan.left), "needs", "need")
            text = f"{others} {needs} your decision: `list` shows, `choose` takes what you want."
            yield Line(text, "warning")
            return
        text = f"Skipped: needs your decision ({count(len(plan.left), 'step')})"
        yield Line(f"{text}; {_FOR_MORE.get(name, _FOR_MORE['repair'])}:", "dim")
        yield from steps.lines(plan.left, "dim")


def next_lines(
    proposal: Proposal, audience: Audience, saved: Path | None, again: Command
) -> Iterator[Line]:
    """Yield what does a plan that was shown: ``again``, or the file that it was ``saved`` to."""
    if saved is not None:
        apply = command("repair", "--plan", str(saved))
        where = advice(
            "The plan is in {}: a SQLite database with every row that changes, not a text. What it"
            " does stands above. Apply it with `{}`.",
            str(saved),
            apply,
        )
        yield Line(audience.typed(where))
    elif proposal.plan.now:
        yield Line(audience.typed(advice("Nothing was changed. Next: {}", again)), "head")


def result_document(result: Repaired) -> dict[str, Any]:
    """Return what a repair did as JSON."""
    after = result.after
    return {
        "space": space_entry(result.space),
        "recovered": result.recovered,
        "receipt": _receipt(result),
        "later": summary(result.later),
        "stopped": json_documents.reason(result.stopped) if result.stopped is not None else None,
        "wal_left": result.wal_left,
        "refused": [
            {"unit": unit.summary, **json_documents.reason(error)} for unit, error in result.refused
        ],
        "waiting": [{"unit": what, "message": why} for what, why in result.waiting],
        "left": summary(result.left),
        "findings": [json_documents.finding(f, after.accepted) for f in after.findings]
        if after is not None
        else [],
    }


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


def result_lines(result: Repaired, audience: Audience) -> Iterator[Line]:
    """Yield what a repair did, what it did not do and why, and what the doctor says now."""
    yield from map(Line, result.recovered)
    if result.declined:
        yield Line("Nothing was changed.", asked=True)
        return
    if result.receipts:
        yield from _done(result, audience)
    elif not (result.refused or result.waiting or result.stopped or result.recovered):
        yield _nothing(left=len(result.left), problems=result.problems, done=True)
    elif not result.recovered:
        yield Line("Nothing was changed.", asked=True)
    yield from not_done_lines(result, audience)
    if result.left:
        steps, need = count(len(result.left), "step"), verb(len(result.left), "needs", "need")
        left = f"Skipped: {steps} that {need} your decision; `{{}}` lists them."
        yield Line(audience.typed(advice(left, command("repair", "--dry-run"))), "dim")
    if result.after is not None:
        if result.after.findings:
            yield _still_found(result.problems, audience)
        else:
            yield Line("The doctor now finds nothing.", "dim")


def not_done_lines(result: Repaired, audience: Audience) -> Iterator[Line]:
    """Yield what a repair did not do of what was agreed to, and why."""
    if result.stopped is not None:
        done = "What is listed above is done and stays; it was not checked again. "
        stopped = advice(
            f"It stopped there: {{}} {done if result.units else ''}Fix that, then: {{}}",
            result.stopped.message,
            command("doctor"),
        )
        yield Line(audience.typed(stopped), "error", asked=True)
    yield from wal_lines(result.wal_left)
    for unit, error in result.refused:
        text = f"Not done: {unit.summary}. {error.message} {audience.typed(error.hint)}"
        yield Line(text, "error", asked=True)
    for what, why in result.waiting:
        yield Line(f"Waiting: {what}. {why}", "warning", asked=True)


def _nothing(*, left: int, problems: int, done: bool = False) -> Line:
    """Return why there are no steps; ``left`` of them need a decision.

    ``problems`` are those that stay all the same.
    """
    if left:
        return Line("Nothing is repaired unasked here: what could be done needs your decision.")
    if problems:
        return Line("Nothing that was asked for can be repaired here.")
    return Line(f"There {'was' if done else 'is'} nothing to repair.", "good")


def _done(result: Repaired, audience: Audience) -> Iterator[Line]:
    names = [receipt.stem for receipt in result.receipts]
    receipts = f"Receipt{'s' if len(names) > 1 else ''} {', '.join(names)}"
    if not result.units:
        yield Line(f"Nothing was changed. {receipts}.", asked=True)
        return
    steps, changes = count(result.units, "step"), count(result.actions, "change")
    yield Line(f"Done: {steps}, {changes}. {receipts}.", "good")
    if result.later:
        later = count(len(result.later), "step")
        yield Line(f"{later} of these showed only after the others were done:")
        for one in result.later:
            yield Line(f"  {', '.join(one.unit.finding_ids)} {one.unit.summary}")
    yield from space_lines(result.space, done=True)
    changed = [one.receipt.stem for one in result.applied if one.units and one.receipt is not None]
    undo = command("undo", *(changed[:1] if len(names) > 1 else ()))
    yield Line(audience.typed(advice("To undo it: {}", undo)))


def _still_found(problems: int, audience: Audience) -> Line:
    if not problems:
        return Line("The doctor now finds only notes.", "dim")
    still_found = advice(
        "The doctor still finds {}; `{}` names {}.",
        count(problems, "problem"),
        command("doctor"),
        verb(problems, "it", "them"),
    )
    return Line(audience.typed(still_found), "warning")
