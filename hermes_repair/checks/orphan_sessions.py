"""LN001: sessions whose parent is gone, and where that parent still is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from hermes_repair.checks.message_counts import loses
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import how, linked, remedy, repair_of, unit_of
from hermes_repair.evidence.scene import Scene
from hermes_repair.evidence.sessions_elsewhere import Place
from hermes_repair.lineage.column_changes import Resolution, refused
from hermes_repair.lineage.links import attach, cut_orphan, unhide, waits_for
from hermes_repair.lineage.person_proof import NEVER_A_PERSON
from hermes_repair.lineage.session_node import DelegateMark, SessionNode
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.schema.data_steps import STEP


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of one orphan; ``places`` still have its parent."""

    resolution: Resolution
    summary: str
    places: tuple[Place, ...]


@check(
    "LN001",
    "orphan-child",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.LINEAGE,
    concerns=Concerns.UNSEEN,
)
def orphan_child(scene: Scene) -> Iterator[Finding]:
    """A conversation continues one that does not exist.

    What it means: the session names a parent whose row is gone. No release lists such a session,
    so the chat has vanished although all its messages are there.

    How it happens: the parent was deleted by a program that does not enforce foreign keys, or a
    copy of the database was incomplete (Hermes #6513).

    What repair does: first it looks for the parent, in transcript files, other profiles, backups
    and snapshots, and says where it is. If a transcript file has the parent, it brings that back
    instead. If the chat begins with the rows of a session that waits for its continuation, it
    becomes that continuation. Otherwise it cuts the link and gives the session the shape that every
    release lists; the missing parent's id stays in `_branched_from`, so that an upgrade does not
    hide the chat.

    How safe it is: safe where the chat is provably a person's (a routing entry, ids of a message
    platform, two different messages of a person, or a copy of such a chat). A delegate's session
    keeps its mark and stays hidden; a run of a delegate, a timer or a tool without a mark is only a
    note, and stays as it is. Where nothing proves either, or another database has the parent, it is
    repaired only when you name the session.
    """
    for name in scene.graph.orphans:
        node = scene.node[name]
        judged = judge(scene, node)
        effect = "so no release lists it."
        if of_the_program(node):
            effect = f"and is not a chat but a run of Hermes itself (source {node.source})."
        known = f" Its parent is in {judged.places[0]}." if judged.places else ""
        yield orphan_child.finding(
            {"kind": "session", "session_id": node.id, "parent": node.parent_id},
            f"continues {node.parent_id}, which does not exist, {effect}{known}",
            _hint(node, judged),
            severity=Severity.INFO if of_the_program(node) else Severity.ERROR,
            remedy=Remedy.NONE if of_the_program(node) else remedy(judged.resolution),
            data={
                "parent": node.parent_id,
                "reason": str(judged.resolution.reason),
                "parent_found_in": [str(place.path) for place in judged.places],
                "begins_with": scene.origins.get(name),
            },
            identity=(node.parent_id,),
            sessions=1,
            messages=node.active_rows,
            fix=each(partial(_end_orphan, scene, node, judged)),
        )


def _hint(node: SessionNode, judged: Judged) -> Hint:
    """Return what to do: first of all bring the parent, where a copy has it."""
    copy = next((place for place in judged.places if place.copy), None)
    unasked = judged.resolution.safety is Safety.SAFE
    if copy is None or unasked or not judged.resolution.changes:
        return how(judged.resolution, node.id)
    return advice(
        "To bring its parent: `{}`. To list the chat without it: {}",
        command("merge", str(copy.path), "--session", node.parent_id or ""),
        repair_of(node.id),
    )


def of_the_program(node: SessionNode) -> bool:
    """Whether it is an unmarked run of a delegate, a timer or a tool, by its source.

    Without its parent it would be a root, and those every release lists (0.13.0 to 0.19.0).
    """
    return node.source in NEVER_A_PERSON and node.delegate_from is None


def judge(scene: Scene, node: SessionNode) -> Judged:
    """Say what becomes of one orphan."""
    places = scene.elsewhere.get(node.parent_id or "", ())
    if of_the_program(node):
        return Judged(refused("Nothing needs to be done: no list should show it."), "", places)
    origin = scene.origins.get(node.id)
    session = linked(scene, node)
    gone = f"its link to {node.parent_id}, which is gone"
    waits = origin is not None and waits_for(scene.graph, scene.node[origin], node)
    if origin is not None and waits:
        resolution = attach(session, origin)
        summary = f"link {node.id} to {origin} ({resolution.reason})"
    elif node.delegate_mark is DelegateMark.STEP_16 and scene.recognition.number >= STEP:
        resolution = unhide(session, scene.proof(node.id))
        summary = f"list {node.id} again: cut {gone}, and remove the tag ({resolution.reason})"
    else:
        resolution = cut_orphan(session, scene.proof(node.id), origin)
        summary = f"list {node.id} again: cut {gone} ({resolution.reason})"
    if (
        node.delegate_from is not None
        and resolution.changes
        and "model_config" not in _after(resolution)
    ):
        summary = f"cut {gone}, of {node.id} ({resolution.reason})"
    databases = [place for place in places if place.database]
    if databases and not waits:
        resolution = resolution.as_judgement(f"{databases[0]} has its parent")
    return Judged(resolution, summary, places)


def _after(resolution: Resolution) -> frozenset[str]:
    return frozenset(column for change in resolution.changes for column in change.after)


def _end_orphan(
    scene: Scene, node: SessionNode, judged: Judged, finding: Finding
) -> Iterator[Unit]:
    """Link it to what it continues, or take the missing parent away."""
    if not judged.resolution.changes:
        return
    parent, origin = node.parent_id or "", scene.origins.get(node.id)
    # A parent that only a file has is brought back first, and then this is no orphan.
    rests_on = {parent} if loses(scene, parent) else set()
    yield unit_of(
        finding,
        judged.resolution,
        judged.summary,
        sessions=rests_on | ({origin} if origin is not None else set()),
    )
