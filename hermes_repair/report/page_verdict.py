"""What a diagnosis comes to, as the top of a page says it: a headline, a few points, the areas."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_repair.app.diagnose import Diagnosis
from hermes_repair.app.verdict import State, Verdict, verdict
from hermes_repair.model.commands_to_type import Hint
from hermes_repair.model.findings import Severity
from hermes_repair.model.words import count
from hermes_repair.report.verdict_text import sentences, stands

_AREA = {
    State.SOUND: "good",
    State.WARNING: "warning",
    State.BAD: "error",
    State.UNKNOWN: "unknown",
}
_POINT = {"good": "good", "warning": "warning", "error": "error"}


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
    weighed = verdict(diagnosis)
    users = diagnosis.openers.processes if diagnosis.live else ()
    first = f" (first {users[0].how_to_stop()})" if users else ""
    worst = diagnosis.worst or Severity.INFO
    states = {Severity.INFO: "good", Severity.WARNING: "warning"}
    return PageVerdict(
        state=states.get(worst, "error"),
        headline=_headline(weighed, diagnosis.problems, narrowed=narrowed),
        points=tuple(
            Point(_POINT.get(style, "note"), words)
            for words, style in sentences(weighed, deep=diagnosis.deep, first=first)
        ),
        areas=tuple(Area(a.name.capitalize(), _AREA[a.state], stands(a)) for a in weighed.areas),
    )


def _headline(weighed: Verdict, problems: int, *, narrowed: bool) -> str:
    if weighed.fatal is not None:
        return "The database cannot be used as it is."
    if weighed.back.messages:
        return f"{count(weighed.back.messages, 'message')} can come back."
    if problems:
        return f"{count(problems, 'problem')} found."
    return "Nothing of that kind is wrong here." if narrowed else "Nothing is wrong here."
