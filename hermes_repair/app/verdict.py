"""What a diagnosis comes to: what can come back, what somebody has to decide, area by area.

Pure. No chat is counted twice, however many findings name it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from hermes_repair.app.coverage import SELECTION
from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.checks.registry import AREAS, Check, all_checks
from hermes_repair.model.commands_to_type import commands_in
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity


@dataclass(frozen=True, slots=True)
class Amount:
    """Messages, and the chats that they are in."""

    messages: int = 0
    chats: int = 0


class State(Enum):
    """How an area stands. ``UNKNOWN``: nothing bad is known, and not all of it could be read."""

    SOUND = "sound"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Area:
    """One thing that was looked at: its name, how it stands, and its findings, the worst first.

    ``left_out`` counts the checks that could not read what they need, of ``checks``.
    """

    name: str
    state: State
    findings: tuple[Finding, ...]
    checks: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """A diagnosis in short, without what was accepted.

    ``back`` can come back safely; ``decide`` may have been removed on purpose; ``hidden`` are in
    the database, out of sight, and only somebody can say how they are shown (``hide`` are those
    findings); ``copied`` are missing here, and a copy has them; ``at_risk`` are shown now, and
    hidden by the next update. ``mended`` are further problems that ``repair`` takes by itself,
    ``choices`` those that a command takes which somebody chooses, ``by_hand`` those that none does.
    ``blocking`` is the id of what has to be settled before anything is written, ``fatal`` that
    finding where it was asked for, and ``migrate`` what a migration is needed for.
    """

    back: Amount
    decide: Amount
    hidden: Amount
    hide: tuple[Finding, ...]
    copied: Amount
    at_risk: Amount
    mended: int
    choices: tuple[Finding, ...]
    by_hand: tuple[Finding, ...]
    blocking: str | None
    fatal: Finding | None
    migrate: Finding | None
    areas: tuple[Area, ...]


def verdict(diagnosis: Diagnosis) -> Verdict:
    """Return what a diagnosis comes to."""
    open_ones = [f for f in diagnosis.findings if f.fingerprint not in diagnosis.accepted]
    left_out = {
        id: one.reason for one in diagnosis.looked_at.left_out for id in one.checks if one.reason
    }
    return weigh(open_ones, all_checks(), diagnosis.looked_at.checks, left_out, diagnosis.blocking)


def weigh(
    findings: Sequence[Finding],
    checks: Sequence[Check],
    run: Collection[str],
    left_out: Mapping[str, str],
    blocking: str | None = None,
) -> Verdict:
    """Return what findings come to, none of which was accepted.

    ``run`` are the ids of the checks that were run, ``left_out`` says of others why they were not,
    and ``blocking`` names what keeps every writing command out.
    """
    concerns = {check.id: check.concerns for check in checks}
    bad = [finding for finding in findings if finding.severity > Severity.INFO]

    def about(finding: Finding, *wanted: Concerns) -> bool:
        return concerns.get(finding.id) in wanted and finding.messages > 0

    out_of_sight = (Concerns.UNSEEN, Concerns.ELSEWHERE)
    safe = [f for f in findings if f.remedy is Remedy.SAFE]
    unsafe = [f for f in findings if f.remedy is Remedy.UNSAFE]
    removed = [f for f in unsafe if about(f, Concerns.ELSEWHERE)]
    # A run of a delegate is rightly in no list; what nothing proves to be a chat is a note.
    hide = [f for f in unsafe if f in bad and about(f, Concerns.UNSEEN)]
    copied = [f for f in bad if about(f, Concerns.COPIED)]
    told = {f.session_id for f in removed if f.session_id}
    in_hand = [
        f
        for f in bad
        if f.remedy in (Remedy.UNSAFE, Remedy.MANUAL, Remedy.NONE)
        and f not in (*removed, *hide, *copied)
        and not (f.session_id in told and any(c.name == "backfill" for c in commands_in(f.hint)))
    ]
    migrated = [f for f in bad if f.remedy is Remedy.MIGRATE]
    return Verdict(
        back=_amount((f for f in safe if about(f, *out_of_sight)), concerns),
        decide=_amount(removed, concerns),
        hidden=_amount(hide, concerns),
        hide=tuple(hide),
        copied=_amount(copied, concerns),
        at_risk=_amount((f for f in findings if about(f, Concerns.AT_RISK)), concerns),
        mended=sum(f in bad and not about(f, *out_of_sight) for f in safe),
        choices=tuple(f for f in in_hand if commands_in(f.hint)),
        by_hand=tuple(f for f in in_hand if not commands_in(f.hint)),
        blocking=blocking,
        fatal=next((f for f in findings if f.severity is Severity.FATAL), None),
        migrate=max(migrated, key=lambda f: (about(f, Concerns.AT_RISK), f.severity), default=None),
        areas=tuple(_areas(findings, checks, run, left_out)),
    )


def _amount(findings: Iterable[Finding], concerns: Mapping[str, Concerns | None]) -> Amount:
    """Count messages by chat: those that are unseen and those that it lacks, each once."""
    messages: dict[tuple[str, Concerns | None], int] = {}
    chats: dict[str, int] = {}
    for finding in findings:
        # What is about no single session counts its own.
        chat = finding.session_id or finding.fingerprint
        chats[chat] = 1 if finding.session_id else max(1, finding.sessions)
        key = chat, concerns[finding.id]
        messages[key] = max(messages.get(key, 0), finding.messages)
    return Amount(sum(messages.values()), sum(chats.values()))


def _areas(
    findings: Sequence[Finding],
    checks: Sequence[Check],
    run: Collection[str],
    left_out: Mapping[str, str],
) -> Iterable[Area]:
    """Yield the areas that were looked at, or could not be; not those that nobody asked for."""
    asked: dict[str, list[Check]] = {}
    for check in checks:
        if check.id in run or left_out.get(check.id, SELECTION) != SELECTION:
            asked.setdefault(check.area, []).append(check)
    order = {name: place for place, name in enumerate(dict.fromkeys(AREAS.values()))}
    for name, own in sorted(asked.items(), key=lambda item: order.get(item[0], len(order))):
        ids = {check.id for check in own}
        found = sorted(
            (f for f in findings if f.id in ids), key=lambda f: (-f.severity, -f.messages, f.id)
        )
        unread = len(ids - set(run))
        yield Area(name, _state(found, unread), tuple(found), len(ids), unread)


def _state(findings: Sequence[Finding], unread: int) -> State:
    worst = max((finding.severity for finding in findings), default=Severity.INFO)
    if worst > Severity.INFO:
        return State.BAD if worst >= Severity.ERROR else State.WARNING
    return State.UNKNOWN if unread else State.SOUND
