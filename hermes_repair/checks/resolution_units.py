"""Hints, remedies and units that checks share: of a lineage resolution, and of one session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from hermes_repair.checks.registry import each
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import ColumnChanges, Resolution
from hermes_repair.lineage.links import LinkedSession
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.actions import Action, RowUpdate
from hermes_repair.model.commands_to_type import Command, Hint, advice, command
from hermes_repair.model.findings import Finding, Fix, Remedy
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import Row, Value
from hermes_repair.schema.recognise import Family

SETTLED_SECONDS = 15 * 60
"""A parent is closed for moments before its continuation exists, and a continuation is empty for
moments, in every release to 0.18.2."""

DATABASE = {"kind": "database"}
"""The subject of a finding about the whole database."""
MIGRATED = (Family.OLD, Family.REPAIRED)
"""Schemas up to 22: those that ``migrate`` writes."""
REPAIR = command("repair")
LOOK_AT_MIGRATION = command("migrate", "--dry-run")


def row_of(scene: Scene, session_id: str) -> Row:
    """Return the whole row of a session, its before-image; empty where there is none."""
    row = next(scene.look.rows_of("sessions", "id = ?", [session_id]), None)
    return row if row is not None else {}


def linked(scene: Scene, node: SessionNode) -> LinkedSession:
    """Return a session as the functions of ``lineage.links`` take it, with its before-image."""
    return LinkedSession(scene.graph, node, row_of(scene, node.id), scene.routing)


def is_settled(scene: Scene, times: Iterable[float | None], ids: Iterable[str]) -> bool:
    """Whether a state is no moment of a rotation in flight: at rest, old enough, no lock at all."""
    young = any(at is not None and scene.now - at < SETTLED_SECONDS for at in times)
    return not scene.look.live and not young and scene.locked.isdisjoint(ids)


def in_cycle(scene: Scene) -> frozenset[str]:
    """Return every session that is part of a cycle: nothing else is said of those (LN003)."""
    return frozenset(session_id for cycle in scene.graph.cycles for session_id in cycle)


def how(resolution: Resolution, session_id: str) -> Hint:
    """Return the next command for a resolution."""
    if not resolution.changes:
        return resolution.reason
    if resolution.safety is Safety.SAFE:
        return REPAIR
    return advice("If you want it: `{}` ({})", repair_of(session_id), resolution.reason)


def repair_of(session_id: str) -> Command:
    """Return the command that repairs a session because it is named."""
    return command("repair", "--session", session_id)


def below_active(scene: Scene) -> tuple[Remedy, Hint] | None:
    """Return who helps, and how, where rows cannot be inactive (below 14); None where they can."""
    if "active" in scene.look.columns("messages"):
        return None
    if scene.recognition.family in MIGRATED:
        return Remedy.MIGRATE, advice("First run: {}", command("migrate"))
    return Remedy.MANUAL, "Not repaired here: this schema cannot make messages inactive."


def remedy(resolution: Resolution) -> Remedy:
    """Return who mends what a resolution stands for."""
    if not resolution.changes:
        return Remedy.MANUAL
    return Remedy.SAFE if resolution.safety is Safety.SAFE else Remedy.UNSAFE


def updates(changes: Iterable[ColumnChanges]) -> Iterator[RowUpdate]:
    """Return the actions that write these changes."""
    for change in changes:
        yield RowUpdate("sessions", {"id": change.session_id}, change.before, change.after)


def printable(message: str) -> str:
    """Return text that a plan file can keep: an id of the data may be invalid UTF-8."""
    return message.encode("utf-8", "backslashreplace").decode("utf-8")


def unit_of(
    finding: Finding,
    resolution: Resolution,
    summary: str,
    *,
    kind: str = "session",
    sessions: Collection[str] = (),
) -> Unit:
    """Return the unit that writes a resolution.

    ``sessions`` are those that it rests on beside the ones that it changes, so that a repair of one
    of them goes first.
    """
    unit = session_unit(finding, printable(summary), updates(resolution.changes), resolution.safety)
    changed = {change.session_id for change in resolution.changes}
    return replace(unit, kind=kind, sessions=unit.sessions.union(changed, sessions))


def followed_by(unit: Unit, actions: Iterable[Action]) -> Unit:
    """Return a unit that does this as well, after all else."""
    return replace(unit, actions=(*unit.actions, *actions))


def counters(stored: Row, counted: Mapping[str, Value]) -> list[RowUpdate]:
    """Return the update of these counters of a session, whose row is ``stored``, if it has any.

    A counter that Hermes changes later is taken back by undo as a difference.
    """
    after = {column: value for column, value in counted.items() if column in stored}
    before = {column: stored[column] for column in after}
    if not after:
        return []
    return [RowUpdate("sessions", {"id": stored["id"]}, before, after, frozenset(after))]


def fix_of(
    resolution: Resolution, summary: str, *, kind: str = "session", sessions: Collection[str] = ()
) -> Fix | None:
    """Return the fix that writes a resolution (:func:`unit_of`), None where that is refused."""
    if not resolution.changes:
        return None
    return each(
        lambda finding: [unit_of(finding, resolution, summary, kind=kind, sessions=sessions)]
    )


def session_unit(finding: Finding, summary: str, actions: Iterable[Action], safety: Safety) -> Unit:
    """Return the unit that does this to the one session that a finding is about."""
    session_id = finding.session_id or ""
    return Unit(
        kind="session",
        subject=session_id,
        summary=summary,
        actions=tuple(actions),
        safety=safety,
        live=False,
        findings=(finding.fingerprint,),
        finding_ids=(finding.id,),
        sessions=frozenset({session_id}),
    )


def merged(resolutions: Sequence[Resolution], reason: str) -> Resolution:
    """Put resolutions into one, which is only as safe as the least safe of them."""
    safe = all(one.safety is Safety.SAFE for one in resolutions)
    changes = tuple(change for one in resolutions for change in one.changes)
    return Resolution(changes, Safety.SAFE if safe else Safety.UNSAFE, reason)
