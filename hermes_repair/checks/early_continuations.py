"""LN012: continuations that begin, by the clock, before what they continue ended."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import (
    fix_of,
    how,
    in_cycle,
    is_settled,
    remedy,
    row_of,
)
from hermes_repair.evidence.ownership import is_no_delegate
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import Resolution, changes_of, resolved
from hermes_repair.lineage.graph import CLEARLY, EdgeKind
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage

LAST_TIMED = 16
"""The last schema whose releases (up to 0.17) ask when a continuation began."""


@check(
    "LN012",
    "continuation-before-end",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.LINEAGE,
    concerns=Concerns.UNSEEN,
)
def continuation_before_end(scene: Scene) -> Iterator[Finding]:
    """A continuation begins, by its time, before the part that it continues ended.

    What it means: releases up to 0.17 take it for none. They list and resume the closed part, and
    the part in which the conversation goes on is not shown at all. Later releases do not ask for
    the time, so databases of schema 17 or later have no such finding.

    How it happens: the clock was set back between the two writes of a compression, which ends one
    part and then begins the next.

    What repair does: it sets the end of the closed part to the start of its continuation.

    How safe it is: safe where the two are at most a second apart, the closed part has no later
    message, and its only continuation is provably no delegate's run. A longer time may also mean
    that the closed part was opened and compressed again: then it is a note, and done when you name
    the session.
    """
    if scene.recognition.number > LAST_TIMED:
        return
    cycles = in_cycle(scene)
    for node in scene.nodes:
        parent = scene.node.get(node.parent_id or "")
        if parent is None or node.id in cycles or not _hidden(scene, node, parent):
            continue
        resolution = _resolution(scene, node, parent)
        safe = resolution.safety is Safety.SAFE
        yield continuation_before_end.finding(
            {"kind": "session", "session_id": node.id, "parent": parent.id},
            f"begins before {parent.id} ended, which it continues: releases up to 0.17 show that"
            " closed part instead.",
            how(resolution, node.id),
            severity=Severity.ERROR if safe else Severity.INFO,
            remedy=remedy(resolution),
            data={"started_at": node.started_at, "ended_at": parent.ended_at},
            identity=(parent.id,),
            sessions=1,
            messages=node.active_rows,
            fix=fix_of(
                resolution,
                f"let {parent.id} end when {node.id} begins ({resolution.reason})",
                sessions=(node.id,),
            ),
        )


def _hidden(scene: Scene, node: SessionNode, parent: SessionNode) -> bool:
    """Whether this is the only continuation of its parent, with messages, and begins too early."""
    if scene.graph.kinds.get(node.id) is not EdgeKind.CONTINUATION or not node.rows:
        return False
    if node.started_at is None or parent.ended_at is None:
        return False
    early = node.started_at < parent.ended_at
    alone = scene.graph.continuations(parent.id) == (node.id,)
    return early and alone and is_settled(scene, (), (node.id, parent.id))


def _resolution(scene: Scene, node: SessionNode, parent: SessionNode) -> Resolution:
    assert node.started_at is not None and parent.ended_at is not None  # _hidden asked
    change = changes_of(parent.id, row_of(scene, parent.id), {"ended_at": node.started_at})
    resolution = resolved([change], Safety.SAFE, "a part ends before the next one begins")
    if parent.ended_at - node.started_at > CLEARLY:
        return resolution.as_judgement(f"{parent.id} may have been compressed twice")
    if parent.last_message_at is not None and parent.last_message_at > node.started_at:
        return resolution.as_judgement(f"{parent.id} has a later message")
    if not is_no_delegate(scene, node.id):
        return resolution.as_judgement(f"{node.id} may be a delegate's run")
    return resolution
