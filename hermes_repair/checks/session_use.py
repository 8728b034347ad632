"""Ends that the use of a session contradicts: SE005 to SE007."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import DATABASE, fix_of, how, in_cycle, row_of
from hermes_repair.checks.session_ends import said
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import changes_of, resolved
from hermes_repair.lineage.fork_resolution import RECOVERABLE_ENDS
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage
from hermes_repair.model.words import count

LATE = 60.0  # seconds: what is flushed while a program ends comes a little after the end
_MEANT = frozenset(
    {"compression", "branched", "session_reset", "new_session", "session_switch", "resumed_other"}
)
"""Ends by which the chat itself moved on: such a session is never opened again."""


@check("SE005", "ended-but-in-use", Severity.INFO, Remedy.UNSAFE, stage=Stage.SESSIONS)
def ended_but_in_use(scene: Scene) -> Iterator[Finding]:
    """A session is marked as ended, but a chat of the gateway went on in it.

    What it means: Hermes 0.18 and later drop the way of the chat at the gateway's next start, and
    its next message starts an empty chat. Every release may delete the session once it is old,
    because prune takes what is ended.

    How it happens: the chat was opened on the command line, too, and closed there, while the
    gateway went on with it: Hermes keeps the first end that is written (#106459, #107187).

    What repair does: nothing by itself. When you name the session, its end is taken away.

    How safe it is: your decision, because the end may have been meant. What was ended by a reset, a
    switch, a branch or a compression is never opened again.
    """
    if scene.look.live:
        return
    cycles = in_cycle(scene)
    for node in scene.nodes:
        if node.id in cycles or not _is_used(scene, node):
            continue
        after = {"ended_at": None, "end_reason": None}
        change = changes_of(node.id, row_of(scene, node.id), after)
        resolution = resolved([change], Safety.UNSAFE, "the end may have been meant")
        yield ended_but_in_use.finding(
            {"kind": "session", "session_id": node.id},
            f"was ended ({node.end_reason}), but a chat of the gateway leads to it and went on.",
            how(resolution, node.id),
            data={"ended_at": node.ended_at, "end_reason": node.end_reason},
            identity=(node.ended_at, node.end_reason),
            sessions=1,
            messages=node.active_rows,
            fix=fix_of(resolution, f"open {node.id} again ({resolution.reason})"),
        )


def _is_used(scene: Scene, node: SessionNode) -> bool:
    """Whether a chat leads to an ended session and it was written to after its end."""
    if node.ended_at is None or node.end_reason is None or node.end_reason in _MEANT:
        return False
    if node.end_reason in RECOVERABLE_ENDS and node.session_key is not None:
        return False  # Hermes opens those again by itself
    if not scene.routing.is_live(node.id) or scene.graph.continuations(node.id):
        return False
    last = said(scene, node.id).last
    return last is not None and last > node.ended_at + LATE


MANY_OPEN = 100
OLD_SECONDS = 7 * 86400.0


@check("SE006", "many-never-ended", Severity.INFO, Remedy.NONE)
def many_never_ended(scene: Scene) -> Iterator[Finding]:
    """Many sessions were left open and have not been used for more than a week.

    What it means: Hermes' prune and archive take only what is ended, so these stay for ever, and
    the database grows with them. Nothing is lost.

    How it happens: programs that are closed or killed rarely end their session (Hermes #22071,
    #54189: 764 open ones, 22 in use).

    What repair does: nothing. To end them would let Hermes' prune delete them and their transcript
    files, 90 days after they began.

    How safe it is: nothing is changed. Sessions that a chat of the gateway leads to, and those with
    a lock, are not counted.
    """
    idle = [node for node in scene.nodes if _is_left_open(scene, node)]
    if len(idle) >= MANY_OPEN:
        yield many_never_ended.finding(
            dict(DATABASE),
            f"{count(len(idle), 'session')} of {len(scene.nodes):,} were never ended, and not used"
            " for a week.",
            "Nothing needs to be done. Ended ones would be deleted by Hermes' prune in time.",
            data={"open": len(idle), "sessions": len(scene.nodes)},
            sessions=len(idle),
        )


def _is_left_open(scene: Scene, node: SessionNode) -> bool:
    last = node.last_message_at if node.last_message_at is not None else node.started_at
    idle = last is not None and last < scene.now - OLD_SECONDS
    held = scene.routing.is_live(node.id) or node.id in scene.locked
    return node.is_open and idle and not held


@check("SE007", "archived-but-in-use", Severity.INFO, Remedy.NONE)
def archived_but_in_use(scene: Scene) -> Iterator[Finding]:
    """A session is archived, but a chat of the gateway still leads to it.

    What it means: what is said there is stored as ever, but no list shows the chat.

    How it happens: it was archived on the command line or in the dashboard (0.16 on), or with the
    chat that it belongs to, and the gateway does not ask about that.

    What repair does: nothing, because whoever archived it may want exactly that. The dashboard
    shows it again.

    How safe it is: nothing is changed.
    """
    for node in scene.nodes:
        if node.archived and scene.routing.is_live(node.id):
            yield archived_but_in_use.finding(
                {"kind": "session", "session_id": node.id},
                "is archived, but a chat of the gateway leads to it: no list shows what is said.",
                "Nothing needs to be done if you archived that chat.",
                identity=(node.id,),
                sessions=1,
                messages=node.active_rows,
            )
