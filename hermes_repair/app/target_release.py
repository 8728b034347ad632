"""Which Hermes serves a home, which schema number it asks for, and what an update would do there.

``doctor --for RELEASE``: the findings stay what they are; it is said which of them that release
would hide, crash on, erase or stop reading. One that the update newly makes matter is at least a
warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hermes_repair.app.environment import Run
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import Installed, Surroundings, find_installed, serving, unread
from hermes_repair.host import Openers
from hermes_repair.model.errors import Refused
from hermes_repair.model.findings import Finding, Severity
from hermes_repair.model.values import whole
from hermes_repair.schema.catalogue import DEFAULT_TARGET, NEWEST_TARGET, default_catalogue
from hermes_repair.schema.recognise import Family, Recognition
from hermes_repair.schema.releases import (
    Effect,
    effects_of,
    is_release,
    newest_release,
    number_of_release,
    release_key,
    was_tried,
)


@dataclass(frozen=True, slots=True)
class Target:
    """Which number, where it comes from in words, and what the user has to know about it.

    ``guessed``: no Hermes that serves the home was found, or none whose number can be read, so it
    is not known that anybody asks for this number.
    ``asked``: the command line names it; ``forced``: beyond what the installed Hermes expects.
    """

    number: int
    origin: str
    guessed: bool = False
    asked: bool = False
    forced: bool = False
    notes: tuple[str, ...] = ()


def expected_number(run: Run, openers: Openers) -> int | None:
    """Return the schema number that the installed Hermes expects, as far as we write one."""
    known = serving(installed_for(run, openers))
    if known is None or known.number is None:
        return None
    return default_catalogue().nearest(min(known.number, NEWEST_TARGET)).number


def installed_for(run: Run, openers: Openers) -> tuple[Installed, ...]:
    """Return the installs that serve a home, those of the processes at work on it first."""
    running = [
        Path(process.interpreter)
        for process in openers.processes
        if process.is_hermes and process.same_namespace and process.interpreter
    ]
    return find_installed(run.home.root, surroundings(run), running)


def surroundings(run: Run) -> Surroundings:
    """Return what may be asked of the machine."""
    machine = run.environment
    return Surroundings(machine.environ, machine.user_home, machine.platform)


def choose_target(
    recognition: Recognition, installed: Sequence[Installed], to: int | None, force: bool
) -> Target:
    """Return the number to go to, never below the one that the database has unless ``to`` says so.

    Raises :class:`Refused`, without ``force``, for one beyond what the installed Hermes expects.
    """
    known, unknown = serving(installed), unread(installed)
    if to is not None:
        target = _named(to, known, force)
        return replace(target, notes=(*unknown, *target.notes))
    number = recognition.number
    if recognition.family in (Family.LATER, Family.NEWER):
        note = f"From schema 23 on Hermes' own code migrates, so {number} is left as it is."
        return Target(number, "what the database has", notes=(note,))
    if known is None or known.number is None:
        newest = max(DEFAULT_TARGET, number)
        why = "no installed Hermes was found for this home"
        if unknown:
            why = "cannot tell what the installed Hermes expects"
        return Target(newest, why, guessed=True, notes=unknown)
    expected, notes = known.number, (*unknown, *_disagreeing(known, installed))
    if expected < number:
        note = f"The database is already at {number}, beyond what this Hermes expects ({expected})."
        notes = (note, *notes)
    if expected > NEWEST_TARGET:
        note = f"Hermes' own code takes it from {NEWEST_TARGET} to {expected} on its next start."
        notes = (note, *notes)
    return Target(max(number, min(expected, NEWEST_TARGET)), words(known), notes=notes)


def words(install: Installed) -> str:
    """Return an install for a reader: its release, how it was found, and the file that says so."""
    release = install.release or "of an unknown release"
    return f"Hermes {release} ({install.how}) expects {install.number}, by {install.found}"


def newest_known() -> str:
    """Return the newest release whose schema number is known."""
    return newest_release(NEWEST_TARGET) or ""


def is_behind(recognition: Recognition, target: Target) -> bool:
    """Whether ``migrate`` has to bring the database to its number or to what the number means."""
    if recognition.family not in (Family.OLD, Family.REPAIRED):
        return False
    damaged = bool(recognition.missing) or recognition.stamp.problem is not None
    return recognition.number < target.number or damaged


def _named(to: int, known: Installed | None, force: bool) -> Target:
    if known is None or known.number is None or to <= known.number:
        return Target(to, "asked for with --to", asked=True)
    if not force:
        raise Refused(
            f"{words(known)}. Beyond that, data steps would be skipped for rows that it writes in"
            " between.",
            "Update Hermes first, or add --force.",
        )
    note = f"{words(known)}: data steps up to {to} do not reach rows that it writes from now on."
    origin = "asked for with --to and --force"
    return Target(to, origin, asked=True, forced=True, notes=(note,))


def _disagreeing(known: Installed, installed: Sequence[Installed]) -> tuple[str, ...]:
    """Return a note for every other install that serves the home and expects another number."""
    return tuple(
        f"Another one also uses this home: {words(other)}."
        for other in installed
        if other.number is not None and other.number != known.number
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
    ``tried`` is that of :class:`~hermes_repair.evidence.deleted_ahead.Ahead`.
    """

    release: str
    number: int | None
    current: str | None
    consequences: tuple[Consequence, ...]
    tried: bool = True


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
        consequence
        for effect in effects_of(release, number)
        if (consequence := _consequence(scene, effect, findings, effect not in now)) is not None
    )
    harmful = (one for one in consequences if one.new and one.kind in HARMFUL)
    raised = {id for one in harmful for id in one.findings}
    expected, tried = number_of_release(release), was_tried(release)
    forecast = Forecast(release, expected, current, consequences, tried)
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
