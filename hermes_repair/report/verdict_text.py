"""What a diagnosis comes to, in a few lines before its details, and as JSON.

First what the reader gets back and what to type for it, then a line for each thing looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from hermes_repair.app.verdict import Amount, Area, State, Verdict
from hermes_repair.model.commands_to_type import Command, Hint, advice, command, commands_in
from hermes_repair.model.findings import Finding, Severity
from hermes_repair.model.words import count, verb
from hermes_repair.report.audience import Audience
from hermes_repair.report.lines import Line

NOTHING = "nothing wrong"
NOTHING_WRONG = "Nothing of that kind is wrong here."
ALL_BACK = command("backfill", "--all", "--dry-run")
_MARK = {State.SOUND: "✓", State.WARNING: "!", State.BAD: "✗", State.UNKNOWN: "?"}
_STYLE = {State.SOUND: "good", State.WARNING: "warning", State.BAD: "error", State.UNKNOWN: "dim"}


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON."""
    return {
        "can_come_back": asdict(verdict.back),
        "to_decide": asdict(verdict.decide),
        "out_of_sight": asdict(verdict.hidden),
        "in_copies": asdict(verdict.copied),
        "at_risk": asdict(verdict.at_risk),
        "repairable": verdict.mended,
        "areas": [
            {
                "area": area.name,
                "state": area.state.value,
                "findings": sorted({finding.id for finding in area.findings}),
                "checks": area.checks,
                "left_out": area.left_out,
            }
            for area in verdict.areas
        ],
    }


def verdict_lines(  # noqa: PLR0913 - how much of it is said, by name
    verdict: Verdict,
    audience: Audience,
    *,
    deep: bool,
    nothing: str,
    first: str = "",
    brief: bool = False,
) -> Iterator[Line]:
    """Yield a verdict; ``nothing`` is what to say where no problem is open.

    ``deep``: what takes long was looked for as well, so that the commands have to do so too.
    ``first`` is what has to be done before anything is repaired: who has the file open lets it go.
    ``brief``: areas of which there is nothing to say share a line.
    """
    yield Line("")
    said = list(sentences(verdict, deep=deep, first=f" (first {first})" if first else ""))
    yield from (Line(audience.typed(sentence), style) for sentence, style in said)
    if not said:
        yield Line(nothing, "good")
    yield Line("")
    quiet = [area for area in verdict.areas if brief and stands(area) == NOTHING]
    own = [area for area in verdict.areas if area not in quiet]
    wide = max((len(area.name) for area in own), default=0)
    yield from (_area(area, wide) for area in own)
    if quiet:
        names = ", ".join(area.name for area in quiet)
        yield Line(f"{_MARK[State.SOUND]} {NOTHING}: {names}", _STYLE[State.SOUND])


def sentences(verdict: Verdict, *, deep: bool, first: str) -> Iterator[tuple[Hint, str]]:
    """Yield what a worried person wants to know, each with its style."""
    if verdict.fatal is not None:
        yield _fatal(verdict.fatal), "error"
        return
    if verdict.blocking is not None:
        text = "Nothing is written here until {} is settled: `{}`"
        yield advice(text, verdict.blocking, command("doctor")), "error"
        return
    if verdict.copied.messages:
        text = "{} {} missing here, and a copy has {}: you decide. `{}` shows more."
        number = verdict.copied.messages
        words = _of(verdict.copied), verb(number, "is", "are"), verb(number, "it", "them")
        yield advice(text, *words, command("copies")), "warning"
    repair = command("repair", *(("--deep",) if deep else ()))
    if verdict.back.messages:
        more = ""
        if verdict.mended:
            more = f", and {count(verdict.mended, 'other problem')} can be repaired"
        text = "{} can come back safely{}: `{}`{}"
        yield advice(text, _of(verdict.back), more, repair, first), "good"
    elif verdict.mended:
        problems = count(verdict.mended, "problem")
        yield advice("{} can be repaired safely: `{}`{}", problems, repair, first), "good"
    if verdict.decide.messages:
        text = "{} may have been removed on purpose: you decide. `{}` shows them."
        yield advice(text, _of(verdict.decide), ALL_BACK), "warning"
    if verdict.hidden.messages:
        text = f"{_of(verdict.hidden)} {verb(verdict.hidden.messages, 'is', 'are')} out of sight,"
        yield f"{text} and how to show them is your choice ({_ids(verdict.hide)}).", "warning"
    if verdict.migrate is not None:
        hint = verdict.migrate.hint
        text = "{}: `{}`" if isinstance(hint, Command) else "{}. {}"
        yield advice(text, verdict.migrate.message.removesuffix("."), hint), "warning"
    if verdict.choices:
        number, needs = len(verdict.choices), verb(len(verdict.choices), "needs", "need")
        problems = count(number, "problem")
        yield f"{problems} {needs} your decision ({_ids(verdict.choices)}).", "warning"
    if verdict.by_hand:
        problems = count(len(verdict.by_hand), "problem")
        yield f"{problems} cannot be repaired by a command ({_ids(verdict.by_hand)}).", "warning"


def _fatal(finding: Finding) -> Hint:
    """Return what is wrong and what to type; where the reader has to choose, that stands below."""
    parts: list[Hint] = [finding.id, _sentence(finding)]
    text = "{}: {}. Nothing is written here until that is settled"
    if (way := way_out(finding)) is not None:
        return advice(text + ": `{}`", *parts, way)
    return advice(text + "; what to do stands below.", *parts)


def _sentence(finding: Finding) -> str:
    """Return the first sentence of what is wrong."""
    return finding.message.partition(". ")[0].removesuffix(".")


def way_out(fatal: Finding) -> Command | None:
    """Return the command that settles it; None where there is none, or the reader has to choose."""
    named = commands_in(fatal.hint)
    return named[0] if named and fatal.id != "DB002" else None


def _of(amount: Amount) -> str:
    return f"{count(amount.messages, 'message')} in {count(amount.chats, 'chat')}"


def _ids(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(finding.id for finding in findings))


def _area(area: Area, wide: int) -> Line:
    return Line(f"{_MARK[area.state]} {area.name:<{wide}}  {stands(area)}", _STYLE[area.state])


def stands(area: Area) -> str:
    """Return how an area stands: its problems by id, how many notes, what was not looked at."""
    parts = []
    bad = [finding for finding in area.findings if finding.severity > Severity.INFO]
    if bad:
        parts.append(f"{count(len(bad), 'problem')} ({_ids(bad)})")
    if notes := len(area.findings) - len(bad):
        parts.append(count(notes, "note"))
    if area.left_out:
        parts.append(f"{area.left_out} of {count(area.checks, 'check')} could not be run")
    return ", ".join(parts) or NOTHING
