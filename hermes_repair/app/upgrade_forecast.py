"""``doctor --for RELEASE``: what an update would do to what was found, before it is made.

The findings stay what they are; here is said which of them that release would hide, crash on, erase
or stop reading. A finding that the update newly makes matter is at least a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import serving
from hermes_repair.model.findings import Finding, Severity
from hermes_repair.model.values import whole
from hermes_repair.schema.releases import (
    Effect,
    effects_of,
    is_release,
    newest_release,
    number_of_release,
    release_key,
)

HARMFUL = frozenset({"hides", "crashes", "erases", "unread"})


@dataclass(frozen=True, slots=True)
class Consequence:
    """One thing that the release would do here, with what it is about.

    ``findings`` are the ids that were found; ``sessions``, ``messages`` and ``rows`` count what is
    at stake, 0 where that is not counted. ``new``: the Hermes that is here now does not do it.
    """

    kind: str
    what: str
    findings: tuple[str, ...]
    sessions: int
    messages: int
    rows: int
    new: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What ``release`` would do; ``number`` is the schema that it expects, None if not known.

    ``current`` is the release that serves the home now, or would by the number of the database.
    """

    release: str
    number: int | None
    current: str | None
    consequences: tuple[Consequence, ...]


def require_release(release: str) -> None:
    """Raise :class:`UsageError` where a text is no release, whatever there is to be found."""
    release_key(release)


def forecast_upgrade(
    scene: Scene, findings: Sequence[Finding]
) -> tuple[tuple[Finding, ...], Forecast]:
    """Return the findings, raised where the named release makes them matter, and its outlook.

    Raises :class:`UsageError` where the release is none.
    """
    release, number = scene.look_options.release or "", scene.recognition.number
    known = serving(scene.installed)
    current = newest_release(number)
    if known is not None and is_release(known.release):
        current = known.release
    now = effects_of(current, number) if current else ()
    consequences = tuple(
        made
        for effect in effects_of(release, number)
        if (made := _consequence(scene, effect, findings, effect not in now)) is not None
    )
    raised = {
        id for made in consequences if made.new and made.kind in HARMFUL for id in made.findings
    }
    forecast = Forecast(release, number_of_release(release), current, consequences)
    return tuple(_raised(finding) if finding.id in raised else finding for finding in findings), (
        forecast
    )


def _raised(finding: Finding) -> Finding:
    return replace(finding, severity=max(finding.severity, Severity.WARNING))


def _consequence(
    scene: Scene, effect: Effect, findings: Sequence[Finding], new: bool
) -> Consequence | None:
    named = [finding for finding in findings if finding.id in effect.findings]
    if effect.findings and not named:
        return None
    rows = 0
    if effect.count:
        if not scene.structure.has_column(*effect.needs.split(".")):
            return None
        row = scene.look.within_limit(lambda look: look.one(effect.count))
        rows = whole(row[0]) if row is not None else 0
        if row is not None and not rows:
            return None  # beside a live Hermes it may take too long to count, and is said anyway
    return Consequence(
        kind=effect.kind,
        what=effect.what,
        findings=tuple(sorted({finding.id for finding in named})),
        sessions=sum(finding.sessions for finding in named),
        messages=sum(finding.messages for finding in named),
        rows=rows,
        new=new,
    )
