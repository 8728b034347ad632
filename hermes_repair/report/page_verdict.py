"""What a diagnosis comes to, as the top of a page says it: a headline, a few points, the areas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.words import count

AREAS = {
    "The file": ("DB", "RP"),
    "Schema": ("SC",),
    "Chats": ("TR", "MS", "SE"),
    "Lineage": ("LN",),
    "Search": ("FT",),
    "Locks": ("LK",),
    "Routing": ("GW",),
}
"""Families of findings by what they are about, for a reader."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to know, with what to type for it. ``state``: good, note, warning or error."""

    state: str
    words: Hint


@dataclass(frozen=True, slots=True)
class Area:
    """One thing that was looked at, how it stands (or ``unknown``), and that in words."""

    name: str
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """What a diagnosis comes to."""

    state: str
    headline: str
    points: tuple[Point, ...]
    areas: tuple[Area, ...]


def verdict_of(diagnosis: Diagnosis, *, narrowed: bool) -> PageVerdict:
    """Return what a diagnosis comes to, without what was accepted.

    ``narrowed``: only some findings were asked for, and nothing is said of the others.
    """
    findings = [f for f in diagnosis.findings if f.fingerprint not in diagnosis.accepted]
    worst = max((f.severity for f in findings), default=Severity.INFO)
    return PageVerdict(
        state="good" if worst is Severity.INFO else _state(worst),
        headline=_headline(findings, narrowed=narrowed),
        points=tuple(_points(findings)),
        areas=tuple(_areas(findings, diagnosis.looked_at.checks, narrowed=narrowed)),
    )


def _state(severity: Severity) -> str:
    return {Severity.INFO: "note", Severity.WARNING: "warning"}.get(severity, "error")


def _headline(findings: Sequence[Finding], *, narrowed: bool) -> str:
    if any(finding.severity is Severity.FATAL for finding in findings):
        return "The database cannot be used as it is."
    messages, _ = at_stake(f for f in findings if f.remedy is Remedy.SAFE)
    if messages:
        return f"{count(messages, 'message')} can come back."
    problems = sum(finding.severity > Severity.INFO for finding in findings)
    if problems:
        return f"{count(problems, 'problem')} found."
    return "Nothing of that kind is wrong here." if narrowed else "Nothing is wrong here."


def _points(findings: Sequence[Finding]) -> Iterator[Point]:
    fatal = next((f for f in findings if f.severity is Severity.FATAL), None)
    if fatal is not None:
        yield Point("error", advice("{} {}", _sentence(fatal.message), fatal.hint))
        return
    messages, chats = at_stake(f for f in findings if f.remedy is Remedy.SAFE)
    if messages:
        what = f"{count(messages, 'message')} in {count(chats, 'chat')}"
        yield Point("good", advice("{} can come back safely: `{}`", what, command("repair")))
    messages, chats = at_stake(f for f in findings if f.remedy is Remedy.UNSAFE)
    if messages:
        what = f"{count(messages, 'message')} in {count(chats, 'chat')}"
        text = "{} may have been removed on purpose: you decide. `{}` shows them."
        yield Point("note", advice(text, what, command("backfill", "--all", "--dry-run")))
    behind = next((f for f in findings if f.remedy is Remedy.MIGRATE), None)
    if behind is not None:
        yield Point("warning", advice("{} {}", _sentence(behind.message), behind.hint))
    by_hand = [
        f
        for f in findings
        if f.remedy in (Remedy.MANUAL, Remedy.NONE) and f.severity > Severity.INFO
    ]
    if by_hand:
        problems = count(len(by_hand), "problem")
        ids = ", ".join(dict.fromkeys(finding.id for finding in by_hand))
        yield Point("warning", f"{problems} cannot be repaired by a command ({ids}).")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def at_stake(findings: Iterable[Finding]) -> tuple[int, int]:
    """Return messages and chats; of a chat that several findings name, the largest number."""
    most: dict[str, int] = {}
    for finding in findings:
        if finding.messages and finding.session_id is not None:
            most[finding.session_id] = max(most.get(finding.session_id, 0), finding.messages)
    return sum(most.values()), len(most)


def _areas(findings: Sequence[Finding], checks: Sequence[str], *, narrowed: bool) -> Iterator[Area]:
    for name, families in AREAS.items():
        own = [f for f in findings if f.id.startswith(families)]
        bad = [f for f in own if f.severity > Severity.INFO]
        if bad:
            yield Area(name, _state(max(f.severity for f in bad)), count(len(bad), "problem"))
        elif not any(check.startswith(families) for check in checks):
            if not narrowed:
                yield Area(name, "unknown", "could not be read")
        else:
            yield Area(name, "good", count(len(own), "note") if own else "nothing wrong")
