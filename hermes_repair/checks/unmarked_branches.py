"""LN007: children that are branches, or the next chat, and do not say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import fix_of, how, in_cycle, linked, remedy
from hermes_repair.evidence.ownership import copies_parent, is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import Resolution
from hermes_repair.lineage.graph import EdgeKind, started_after_end
from hermes_repair.lineage.links import BRANCH_ENDS, mark_branch
from hermes_repair.lineage.release_rules import newly_shown
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage


@check(
    "LN007",
    "branch-unmarked",
    Severity.WARNING,
    Remedy.SAFE,
    stage=Stage.LINEAGE,
    concerns=Concerns.UNSEEN,
)
def branch_unmarked(scene: Scene) -> Iterator[Finding]:
    """A chat is linked to another one, but nothing says what kind of child it is.

    What it means: no release lists it, although a person wrote in it. The first open by 0.17.0 or
    later marks it as a delegate's run, and from then on it is deleted with its parent.

    How it happens: branches of the terminal interface up to 0.15, and of the API server in every
    release, have no mark; nor has the chat after a /new that kept its parent (Hermes #39471).

    What repair does: it sets `_branched_from`, which releases from 0.16.0 on list. In databases
    older than that mark the link is cut as well, because those releases list it only then.

    How safe it is: safe where it begins with copies of its parent's rows, or where its parent ended
    by a branch or a reset and it is provably a person's, and where nothing above it or below it may
    be a delegate's run. A chat that only its words, or its start after such an end, mark as a
    person's is a note, and marked when you name it. What may well be a delegate's run is not
    reported.
    """
    for node, copied in candidates(scene):
        resolution = _resolution(scene, node, copied)
        yield branch_unmarked.finding(
            {"kind": "session", "session_id": node.id, "parent": node.parent_id},
            f"is a child of {node.parent_id} without a mark, so no release lists it.",
            how(resolution, node.id),
            severity=Severity.WARNING if resolution.safety is Safety.SAFE else Severity.INFO,
            remedy=remedy(resolution),
            data={"parent": node.parent_id, "copied": copied, "reason": str(resolution.reason)},
            identity=(node.parent_id,),
            sessions=1,
            messages=node.active_rows,
            fix=fix_of(
                resolution, f"mark {node.id} as a branch of {node.parent_id} ({resolution.reason})"
            ),
        )


def candidates(scene: Scene) -> Iterator[tuple[SessionNode, bool]]:
    """Yield the children that are a person's, each with whether it copies its parent's rows."""
    cycles = in_cycle(scene)
    children = [
        node
        for node in scene.nodes
        if scene.graph.kinds.get(node.id) is EdgeKind.UNKNOWN
        and node.rows
        and node.id not in cycles
    ]
    ids = [node.id for node in children]
    persons = scene.proofs(ids)
    begins = scene.traces(ids)
    for node in children:
        copied = begins[node.id].alike and copies_parent(scene, node)
        parent = scene.node[node.parent_id or ""]
        after = parent.end_reason in BRANCH_ENDS and started_after_end(node, parent)
        if copied or node.id in persons or after:
            yield node, copied


def _resolution(scene: Scene, node: SessionNode, copied: bool) -> Resolution:
    resolution = mark_branch(linked(scene, node), scene.proof(node.id), copied=copied)
    if resolution.safety is not Safety.SAFE:
        return resolution
    # A run that is rotated makes a child that begins with its rows, like a branch (to 0.16.0); and
    # what continues a closed chat is shown in its place.
    cut = any("parent_session_id" in change.after for change in resolution.changes)
    shown = newly_shown(scene.graph, [node.id], scene.recognition.number, cut=cut)
    for name in dict.fromkeys([node.id, *scene.graph.continuations(node.id), *sorted(shown)]):
        if not is_no_delegate(scene, name):
            reason = f"{name} may be a part of a delegate's run, which lists would show then"
            return replace(resolution, safety=Safety.UNSAFE, reason=reason)
    return resolution
