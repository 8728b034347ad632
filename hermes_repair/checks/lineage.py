"""Conversations that lost their place: orphans, forks, parents without a continuation (LN...)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hermes_repair.checks.registry import check
from hermes_repair.checks.scene import Scene
from hermes_repair.lineage.changes import Resolution
from hermes_repair.lineage.forks import Fork, Holds, find_fork
from hermes_repair.lineage.links import cut_orphan, reopen_parent
from hermes_repair.lineage.resolve import Basis, branch, sessions_of
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.findings import Finding, Remedy, Safety, Severity
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Row
from hermes_repair.report.escape import count

SETTLED_SECONDS = 15 * 60
"""A parent is closed for moments before its continuation exists, in every release to 0.18.2."""


def unit_of(
    resolution: Resolution,
    finding: Finding,
    *,
    kind: str,
    subject: str,
    summary: str,
    sessions: frozenset[str],
) -> Unit:
    """Turn a resolution into the unit that writes it."""
    return Unit(
        kind=kind,
        subject=subject,
        summary=summary,
        actions=tuple(
            RowUpdate("sessions", {"id": change.session_id}, change.before, change.after)
            for change in resolution.changes
        ),
        safety=resolution.safety,
        live=False,
        findings=(finding.fingerprint,),
        finding_ids=(finding.id,),
        sessions=sessions | {change.session_id for change in resolution.changes},
    )


def row_of(scene: Scene, session_id: str) -> Row:
    """Return the whole row of a session that the graph knows."""
    row = next(scene.look.rows_of("sessions", "id = ?", [session_id]), None)
    return row if row is not None else {}


@check("LN001", "orphan-child", Severity.ERROR, Remedy.SAFE)
def orphan_child(scene: Scene) -> Iterator[Finding]:
    """A conversation continues one that does not exist.

    What it means: the session names a parent whose row is gone. No release lists such a session,
    so the chat has vanished although all its messages are there.

    How it happens: the parent was deleted by a program that does not enforce foreign keys, or a
    copy of the database was incomplete (Hermes #6513).

    What repair does: it cuts the link and gives the session the shape that every release lists.
    The missing parent's id is kept in `_branched_from`, so that an upgrade does not hide the chat.

    How safe it is: safe where the chat is provably a person's (a routing entry, ids of a message
    platform, or two different messages of a person). A delegate's session keeps its mark and stays
    hidden. Where nothing proves either, it is done only when you name the session.
    """
    for node in scene.nodes:
        if node.parent_id is None or node.parent_id in scene.node:
            continue
        resolution = cut_orphan(node, row_of(scene, node.id), scene.proof(node.id))
        yield orphan_child.finding(
            {"kind": "session", "session_id": node.id, "parent": node.parent_id},
            f"continues {node.parent_id}, which does not exist, so no release lists it.",
            how(scene, resolution, node.id),
            remedy=remedy(resolution),
            data={"parent": node.parent_id, "reason": resolution.reason},
            identity=(node.parent_id,),
            sessions=1,
            messages=node.active_rows,
        )


def how(scene: Scene, resolution: Resolution, session_id: str) -> str:
    """Return the next command for a resolution."""
    if resolution.safety is Safety.SAFE and resolution.changes:
        return "hermes-repair repair"
    if resolution.changes:
        return f"If it is yours: hermes-repair repair --session {session_id} ({resolution.reason})"
    return resolution.reason


def remedy(resolution: Resolution) -> Remedy:
    """Return who mends what a resolution stands for."""
    if not resolution.changes:
        return Remedy.MANUAL
    return Remedy.SAFE if resolution.safety is Safety.SAFE else Remedy.UNSAFE


@orphan_child.proposes
def cut_link(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Take the missing parent away."""
    for finding in findings:
        node = scene.node[finding.session_id or ""]
        resolution = cut_orphan(node, row_of(scene, node.id), scene.proof(node.id))
        if resolution.changes:
            yield unit_of(
                resolution,
                finding,
                kind="session",
                subject=node.id,
                summary=f"list {node.id} again: cut its link to {node.parent_id}, which is gone"
                f" ({resolution.reason})",
                sessions=frozenset({node.id}),
            )


def read_fork(scene: Scene, parent: str) -> Fork:
    """Return the siblings below one parent, side by side."""
    ids = (parent, *scene.graph.continuations(parent))
    return find_fork(scene.graph, parent, {id: scene.messages(id) for id in ids}, scene.routing)


@check("LN002", "forked-continuation", Severity.ERROR, Remedy.SAFE)
def forked_continuation(scene: Scene) -> Iterator[Finding]:
    """One conversation was continued twice, and only one half is shown.

    What it means: two or more sessions continue the same one. Lists show one of them; what was
    said in the other is not lost, but nobody sees it.

    How it happens: two compressions of one conversation at the same time or across turns, most
    often before 0.18 (Hermes #34351, #38727, #56391).

    What repair does: the live one stays the continuation. Every other one with words of its own
    becomes a chat of its own that every release lists, marked as a branch; one that holds only
    copies or a background review is archived. `hermes-repair forks` shows them side by side.

    How safe it is: safe where routing names the live one, or only one is still open. Otherwise the
    one with the latest message is only a suggestion, and you say which with `forks --keep`.
    """
    for parent in scene.graph.forked_parents:
        fork = read_fork(scene, parent)
        live = fork.live.session_id
        hidden = fork.others(live or fork.live.suggestion)
        own = sum(len(s.own) for s in hidden if s.holds is Holds.WORDS)
        known = (
            f"{live} is live (by {fork.live.by.value})" if live else "which is live is not clear"
        )
        yield forked_continuation.finding(
            {"kind": "session", "session_id": parent},
            f"was continued {len(fork.siblings)} times; {known}, and {count(own, 'message')} of the"
            " other are shown nowhere or instead of it.",
            "hermes-repair repair"
            if live
            else f"hermes-repair forks {parent} shows them; --resolve branch --keep SESSION",
            remedy=Remedy.SAFE if live else Remedy.UNSAFE,
            data={
                "siblings": [sibling.session_id for sibling in fork.siblings],
                "live": live,
                "by": fork.live.by.value,
                "suggestion": fork.live.suggestion,
                "own_messages": {s.session_id: len(s.own) for s in fork.siblings},
            },
            identity=tuple(sibling.session_id for sibling in fork.siblings),
            sessions=len(fork.siblings),
            messages=own,
        )


@forked_continuation.proposes
def branch_off(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Leave the live one and make every other one a chat of its own."""
    given: set[str] = set()
    for finding in findings:
        fork = read_fork(scene, finding.session_id or "")
        keep = fork.live.session_id or fork.live.suggestion
        rows = {id: row_of(scene, id) for id in sessions_of(fork)}
        resolution = branch(Basis(scene.graph, rows, scene.titles, frozenset(given)), fork, keep)
        if not resolution.changes:
            continue
        titles = (change.after.get("title") for change in resolution.changes)
        given.update(title for title in titles if isinstance(title, str))
        others = ", ".join(sibling.session_id for sibling in fork.others(keep))
        yield unit_of(
            resolution,
            finding,
            kind="family",
            subject=fork.parent_id,
            summary=f"keep {keep} as the continuation of {fork.parent_id} ({resolution.reason});"
            f" {others} becomes a chat of its own",
            sessions=frozenset({fork.parent_id, *(s.session_id for s in fork.siblings)}),
        )


@check("LN004", "continuation-missing", Severity.ERROR, Remedy.SAFE)
def continuation_missing(scene: Scene) -> Iterator[Finding]:
    """A conversation was closed for compression, and nothing continues it.

    What it means: the session counts as ended. Releases after 0.19.0 refuse every message to it;
    earlier ones go on writing to a closed session.

    How it happens: the program stopped between closing the session and starting its continuation
    (Hermes #80337, #82001).

    What repair does: it opens the session again, so that it can be written to.

    How safe it is: only at rest, at least 15 minutes after the closing, with no continuation of any
    kind and no compression lock. The time and reason of the closing are kept in the receipt.
    """
    if scene.look.live:
        return
    for node in scene.nodes:
        if node.end_reason != "compression" or scene.graph.continuations(node.id):
            continue
        ended = node.ended_at
        young = ended is not None and scene.now - ended < SETTLED_SECONDS
        if young or node.id in scene.locked:
            continue
        yield continuation_missing.finding(
            {"kind": "session", "session_id": node.id},
            "was closed by compression, and nothing continues it.",
            "hermes-repair repair",
            data={"ended_at": ended},
            identity=(ended,),
            sessions=1,
            messages=node.active_rows,
        )


@continuation_missing.proposes
def open_again(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Open the closed session."""
    for finding in findings:
        node = scene.node[finding.session_id or ""]
        resolution = reopen_parent(scene.graph, node, row_of(scene, node.id), scene.routing)
        if resolution.changes:
            yield unit_of(
                resolution,
                finding,
                kind="session",
                subject=node.id,
                summary=f"open {node.id} again ({resolution.reason})",
                sessions=frozenset({node.id}),
            )
