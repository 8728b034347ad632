"""What many profiles come to: a table, a line each, one line for a monitor, JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.app.verdict import verdict
from hermes_repair.model.commands_to_type import Command, command
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.model.findings import Remedy, Severity
from hermes_repair.model.words import count, shorten
from hermes_repair.report import json_documents
from hermes_repair.report.lines import Line, table

SEVERITIES = tuple(severity.word for severity in reversed(Severity))
_STATE = {"fatal": "error", "error": "error", "warning": "warning", "info": "sound"}
_STYLE = {"error": "error", "warning": "warning", "sound": "good", "unread": "error"}
NAMED = 5
"""Profiles that the line for a monitor names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Member:
    """One profile: how it stands, findings by severity, what can come back, what to type next.

    ``state`` is sound, warning, error, or unread with the ``problem`` in a sentence. ``option``
    names its home in a command.
    """

    profile: str
    root: str
    state: str
    tally: dict[str, int]
    back: int
    next: Command | None
    option: str
    problem: str = ""

    @property
    def verdict(self) -> str:
        """Return how it stands in a few words."""
        if self.problem:
            return self.problem
        parts = [count(self.tally[word], word) for word in SEVERITIES[:3] if self.tally[word]]
        return ", ".join(parts) or "nothing wrong"

    @property
    def typed(self) -> str:
        """Return the next command for this home, empty where there is none."""
        return self.next.typed(self.option) if self.next is not None else ""


def member(diagnosis: Diagnosis, option: str) -> Member:
    """Return how a profile stands that was looked at."""
    tally = json_documents.tally(diagnosis.findings, diagnosis.accepted)
    worst = next((word for word in SEVERITIES if tally[word]), "info")
    return Member(
        profile=diagnosis.home.profile,
        root=str(diagnosis.home.root),
        state=_STATE[worst],
        tally=tally,
        back=verdict(diagnosis).back.messages,
        next=_next(diagnosis),
        option=option,
    )


def unread(profile: str, root: str, error: HermesRepairError, option: str) -> Member:
    """Return a profile that could not be looked at."""
    tally = dict.fromkeys((*SEVERITIES, "acknowledged", "sessions", "messages"), 0)
    problem = error.message.rstrip(".")
    return Member(profile, root, "unread", tally, 0, command("doctor"), option, problem)


def _next(diagnosis: Diagnosis) -> Command | None:
    """Return the most useful command; the doctor itself where the reader has to read first."""
    open_ones = [f for f in diagnosis.findings if f.fingerprint not in diagnosis.accepted]
    problems = [finding for finding in open_ones if finding.severity > Severity.INFO]
    if diagnosis.blocking is not None or any(f.severity is Severity.FATAL for f in open_ones):
        return command("doctor")
    if any(finding.remedy is Remedy.SAFE for finding in open_ones):
        return command("repair", "--dry-run")
    if any(finding.remedy is Remedy.MIGRATE for finding in problems):
        return command("migrate", "--dry-run")
    return command("doctor") if problems else None


def table_lines(members: Sequence[Member]) -> Iterator[Line]:
    """Yield the table that closes a report of several profiles, the next command below each."""
    yield Line("")
    head, *rows = table(
        ("PROFILE", "FATAL", "ERROR", "WARNING", "NOTE", "CAN COME BACK", "VERDICT"),
        [
            (
                one.profile,
                *(str(one.tally[word] or "-") for word in SEVERITIES),
                count(one.back, "message") if one.back else "-",
                shorten(one.verdict, 40),
            )
            for one in members
        ],
    )
    yield Line(head, "head", verbatim=True)
    for one, row in zip(members, rows, strict=True):
        yield Line(row, _STYLE[one.state], verbatim=True)
    for one in members:
        if one.next is not None:
            yield Line(f"Next for {one.profile}: {one.typed}", verbatim=True)


def short_line(one: Member) -> Line:
    """Return one profile in one line, for -q."""
    back = f"; {count(one.back, 'message')} can come back" if one.back else ""
    then = f": {one.typed}" if one.next is not None else ""
    text = f"{one.profile}: {one.verdict}{back}{then}"
    return Line(text, _STYLE[one.state], asked=True, verbatim=True)


def document(members: Sequence[Member]) -> dict[str, Any]:
    """Return the profiles in short as JSON."""
    return {
        "state": _worst(members),
        **{word: sum(one.tally[word] for one in members) for word in SEVERITIES},
        "can_come_back": sum(one.back for one in members),
        "profiles": [
            {
                "profile": one.profile,
                "home": one.root,
                "state": one.state,
                **{word: one.tally[word] for word in SEVERITIES},
                "can_come_back": one.back,
                "next": str(one.next) if one.next is not None else None,
                "problem": one.problem or None,
            }
            for one in members
        ],
    }


def _worst(members: Sequence[Member]) -> str:
    states = {one.state for one in members}
    return next((s for s in ("error", "unread", "warning", "sound") if s in states), "unread")


_MONITOR = {
    "sound": ("OK", 0),
    "warning": ("WARNING", 1),
    "error": ("CRITICAL", 2),
    "unread": ("UNKNOWN", 3),
}
"""Words and exit codes as the Monitoring Plugins guidelines have them."""


def monitor_line(members: Sequence[Member], *, failed: bool) -> tuple[str, int]:
    """Return one line for Nagios and its kin, with performance data, and its exit code.

    ``failed``: some profile could not be looked at.
    """
    state = _worst(members)
    word, code = _MONITOR["unread" if failed and state != "error" else state]
    bad = [one for one in members if one.state != "sound"]
    named = "; ".join(f"{one.profile}: {one.verdict}" for one in bad[:NAMED])
    more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    said = f"{named}{more}" if bad else f"nothing wrong in {count(len(members), 'profile')}"
    if not members:
        said = "no profile could be looked at"
    figures = {
        "profiles": len(members),
        **{s: sum(m.tally[s] for m in members) for s in SEVERITIES},
    }
    figures["can_come_back"] = sum(one.back for one in members)
    performance = " ".join(f"{name}={number}" for name, number in figures.items())
    return f"HERMES {word} - {said.replace('|', '/')} | {performance}", code
