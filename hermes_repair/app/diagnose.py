"""``doctor``: every check over one look, confirmed by a second look beside a live Hermes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hermes_repair.app.outlook import Outlook, foresee
from hermes_repair.app.outside import Outside, folder_of, place_of, steady
from hermes_repair.app.visit import visit
from hermes_repair.app.world import World
from hermes_repair.checks.registry import Check, all_checks, proposals
from hermes_repair.checks.scene import Scene, Wishes
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Unit
from hermes_repair.records.acknowledgements import acknowledged_or_why
from hermes_repair.repair.planner import Selection
from hermes_repair.report.doctor import SessionLabel
from hermes_repair.schema.recognise import Family, holds_conversations
from hermes_repair.schema.writes import AllowedWrites, allowed_writes

_MENDED = (Remedy.SAFE, Remedy.UNSAFE, Remedy.MIGRATE)
SECOND_LOOK_SECONDS = 2.0  # rotations and flushes in flight are over by then


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor found in one home. ``notes`` are things that could not be looked at.

    ``outlook`` is what a named release would do here (``--for``).
    """

    home: Home
    database: dict[str, Any]
    findings: tuple[Finding, ...]
    labels: dict[str, SessionLabel]
    accepted: dict[str, str]
    notes: tuple[str, ...]
    live: bool
    outlook: Outlook | None = None

    @property
    def worst(self) -> Severity | None:
        """The worst finding that was not acknowledged."""
        open_ones = [f.severity for f in self.findings if f.fingerprint not in self.accepted]
        return max(open_ones, default=None)

    @property
    def fatal(self) -> Finding | None:
        """A finding that keeps every writing command out, if there is one."""
        return next((f for f in self.findings if f.severity is Severity.FATAL), None)


def diagnose(
    home: Home,
    world: World,
    wishes: Wishes,
    selection: Selection,
    *,
    confirm: bool = True,
) -> Diagnosis:
    """Run the selected checks; with ``confirm``, twice beside a live Hermes: both must agree."""
    first = steady(home, world, lambda outside: _once(home, world, wishes, selection, outside))
    if not (confirm and first.live and first.findings):
        return first
    world.sleep(SECOND_LOOK_SECONDS)
    second = steady(home, world, lambda outside: _once(home, world, wishes, selection, outside))
    seen = {finding.fingerprint for finding in first.findings}
    kept = tuple(finding for finding in second.findings if finding.fingerprint in seen)
    return replace(second, findings=kept)


def _once(
    home: Home,
    world: World,
    wishes: Wishes,
    selection: Selection,
    outside: Outside,
) -> Diagnosis:
    check_file = selection.wants_id("DB003")
    with visit(home, world, wishes, check_file=check_file, outside=outside) as scene:
        outlook = None
        if wishes.release is not None and readable(scene):
            # What a release does rests on all that is wrong, not on what was asked to be listed.
            every, outlook = foresee(scene, tuple(examine(scene, Selection())))
            findings = tuple(found for found in every if selection.wants_id(found.id))
        else:
            findings = tuple(examine(scene, selection))
        return Diagnosis(
            home=home,
            database=facts(scene),
            findings=findings,
            labels=labels(scene, findings),
            accepted=dict(acknowledged_or_why(folder_of(home).path)[0]),
            notes=tuple(scene.notes),
            live=scene.look.live,
            outlook=outlook,
        )


def examine(scene: Scene, selection: Selection) -> list[Finding]:
    """Run the checks over one scene, in the order of their ids."""
    found = find(scene, selection)
    return within_limits(scene, found) if readable(scene) else found


def find(scene: Scene, selection: Selection) -> list[Finding]:
    """Run the checks; what of their repairs may be written here says :func:`within_limits`."""
    found: list[Finding] = []
    for check in all_checks():
        if not selection.wants_id(check.id):
            continue
        if not check.file_level and not readable(scene):
            continue
        found += _ask(check, scene)
    if selection.sessions:
        found = [f for f in found if f.session_id is None or f.session_id in selection.sessions]
    return found


def within_limits(scene: Scene, found: list[Finding]) -> list[Finding]:
    """Say of findings whose repair may not be written here who mends them."""
    allowed = allowed_writes(scene.recognition, scene.structure)
    if allowed.unlimited:
        return found
    reasons: dict[str, str] = {}
    for unit in proposals(scene, found):
        reason = why_not(allowed, unit)
        if reason:
            reasons.update(dict.fromkeys(unit.findings, reason))
    old = scene.recognition.family is Family.OLD
    if allowed.strangers:  # what is mended by a migration, or after one, waits as well
        waits = found if old else [f for f in found if f.remedy is Remedy.MIGRATE]
        named = (f.fingerprint for f in waits if f.remedy in _MENDED)
        reasons.update(dict.fromkeys(named, allowed.strangers[0].reason))
        old = False
    remedy = Remedy.MIGRATE if old else Remedy.MANUAL
    hint = "First: hermes-repair migrate" if old else "Not repaired here: {}."
    return [
        replace(f, remedy=remedy, hint=hint.format(reasons[f.fingerprint]))
        if f.fingerprint in reasons
        else f
        for f in found
    ]


def why_not(allowed: AllowedWrites, unit: Unit) -> str:
    """Return why a unit may not be written, the empty text where it may."""
    return next((why for action in unit.actions if (why := allowed.refusal(action))), "")


def readable(scene: Scene) -> bool:
    """Whether there are conversations to look at."""
    return scene.file.unreadable is None and holds_conversations(scene.structure)


def _ask(check: Check, scene: Scene) -> list[Finding]:
    scene.tell(f"looking for {check.name} ({check.id})")
    try:
        return list(check.find(scene))
    except DatabaseUnreadable as error:
        # DB003 names the damage; what it hides is said here, so that silence is not health.
        scene.notes.append(f"{check.id} could not be looked at: {error.message}")
        return []


def facts(scene: Scene) -> dict[str, Any]:
    """Return what is said about the database in every report."""
    known: dict[str, Any] = {
        **place_of(scene.home),
        "schema": scene.recognition.number if scene.file.unreadable is None else None,
        "view": scene.look.view.value,
        "open": scene.openers.status.value,
        "sessions": None,
        "messages": None,
    }
    if readable(scene):
        known["sessions"] = len(scene.nodes)
        known["messages"] = sum(node.rows for node in scene.nodes)
    return known


def labels(scene: Scene, findings: tuple[Finding, ...]) -> dict[str, SessionLabel]:
    """Return what lets a person tell the sessions of the findings apart, titles included."""
    wanted = {finding.session_id for finding in findings if finding.session_id}
    if not wanted or not readable(scene):
        return {}
    return {
        node.id: SessionLabel(node.started_at, node.source, node.active_rows, node.title)
        for node in scene.nodes
        if node.id in wanted
    }
