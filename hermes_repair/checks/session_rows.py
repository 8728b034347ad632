"""Titles and rows of sessions: duplicate titles (SE002), ghosts (SE004), lost titles (LN011)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from hermes_repair.checks.message_counts import loses
from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import (
    REPAIR,
    fix_of,
    how,
    in_cycle,
    printable,
    remedy,
    repair_of,
    row_of,
    session_unit,
    unit_of,
)
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.column_changes import Resolution, changes_of, refused, resolved
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.release_rules import RULES, compression_tip
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import number, text
from hermes_repair.schema.data_steps import read_title_updates
from hermes_repair.schema.session_titles import base_title, given_title

GHOST_SECONDS = 86400.0  # the age after which Hermes' own ghost pruning looks at a session
SPENT = ("tool_call_count", "input_tokens", "output_tokens", "api_call_count")
CONTINUED = "continued"


@check("SE002", "title-duplicate", Severity.WARNING, Remedy.SAFE, stage=Stage.SESSIONS)
def title_duplicate(scene: Scene) -> Iterator[Finding]:
    """Two sessions have the same title, which Hermes does not allow.

    What it means: 0.13.0 to 0.18.2 cannot create the index of titles and may not start on this
    database; 0.19.0 starts, and clears every title but that of the newest session.

    How it happens: the unique index was missing for a while (Hermes #50537), or rows were copied.

    What repair does: the newest session keeps the title; each other one gets it with its date, like
    "... (older, 2026-05-02)".

    How safe it is: no title is lost: the receipt keeps the old one. The new one never ends in "#n",
    which Hermes takes for a later continuation.
    """
    for session_id, update in _renamed(scene).items():
        node = scene.node.get(session_id)
        yield title_duplicate.finding(
            {"kind": "session", "session_id": session_id},
            "has the same title as a newer session.",
            REPAIR,
            identity=(str(update.key),),
            sessions=1,
            messages=node.active_rows if node is not None else 0,
            fix=each(partial(_rename, scene, session_id, update)),
        )


def _renamed(scene: Scene) -> Mapping[str, RowUpdate]:
    return {
        printable(text(update.key.get("id")) or ""): update
        for update in read_title_updates(scene.look.rows, scene.structure)
    }


def _rename(scene: Scene, session_id: str, update: RowUpdate, finding: Finding) -> Iterator[Unit]:
    """Give it a title of its own."""
    unit = session_unit(finding, f"give {session_id} a title of its own", [update], Safety.SAFE)
    yield replace(unit, sessions=unit.sessions & scene.node.keys())


@check("SE004", "ghost-session", Severity.INFO, Remedy.UNSAFE, stage=Stage.SESSIONS)
def ghost_session(scene: Scene) -> Iterator[Finding]:
    """A session is empty and was never used.

    What it means: it has no message, no title and no cost, no child session, and no chat leads to
    it. Lists show it as an empty line.

    How it happens: a program opened a session and was closed again, or created one for every
    message of a chat that it could not find (Hermes #18370, #63207).

    What repair does: nothing by itself. When you name it, it is archived: lists leave it out, and
    nothing is deleted. Databases below schema 14 cannot archive.

    How safe it is: there is nothing in it; whether the empty line bothers you is your decision.
    """
    for node in scene.nodes:
        if not _is_ghost(scene, node):
            continue
        resolution = _archived(scene, node)
        yield ghost_session.finding(
            {"kind": "session", "session_id": node.id},
            "has no message, no title and no child session.",
            how(resolution, node.id),
            remedy=remedy(resolution),
            data={"started_at": node.started_at},
            identity=(node.started_at,),
            sessions=1,
            fix=fix_of(resolution, f"archive {node.id}, which is empty"),
        )


def _is_ghost(scene: Scene, node: SessionNode) -> bool:
    empty = not node.rows and not node.titled and not node.message_count and not node.archived
    alone = node.parent_id is None and not scene.graph.children.get(node.id)
    old = node.started_at is not None and node.started_at < scene.now - GHOST_SECONDS
    if not (empty and alone and old) or scene.routing.is_live(node.id):
        return False
    row = row_of(scene, node.id)
    spent = any(number(row.get(column)) for column in SPENT)
    spoken = loses(scene, node.id) or node.id in scene.logs
    return not spent and node.id not in scene.locked and not spoken


def _archived(scene: Scene, node: SessionNode) -> Resolution:
    change = changes_of(node.id, row_of(scene, node.id), {"archived": 1})
    if change is None:
        return refused(advice("Schema 14 can archive it: {}", command("migrate")))
    return resolved([change], Safety.UNSAFE, "an empty session does no harm")


@check("LN011", "title-lost", Severity.INFO, Remedy.UNSAFE, stage=Stage.LINEAGE)
def title_lost(scene: Scene) -> Iterator[Finding]:
    """A conversation has a title, but the part of it that lists show has none.

    What it means: only the name is lost: lists show the latest continuation, and its row has no
    title.

    How it happens: only an earlier part has the title: a rotation could not carry it over, or the
    title came after the rotation (Hermes #48989, #59527).

    What repair does: nothing by itself. When you name the session, it gets the conversation's title
    with its date, like "... (continued, 2026-05-02)".

    How safe it is: nothing is overwritten; whether the session should have this name is your
    decision.
    """
    for node, title in _untitled(scene):
        yield title_lost.finding(
            {"kind": "session", "session_id": node.id},
            "is shown without a title, although the conversation has one.",
            advice("If you want it: {}", repair_of(node.id)),
            identity=(node.parent_id,),
            sessions=1,
            messages=node.active_rows,
            fix=each(partial(_name_again, scene, node, title)),
        )


def _untitled(scene: Scene) -> Iterator[tuple[SessionNode, str]]:
    """Yield the shown ends of conversations without a title, with the title before them."""
    cycles = in_cycle(scene)
    newest = list(RULES.values())[-1]
    for node in scene.nodes:
        begins = scene.graph.kinds.get(node.id) is not EdgeKind.CONTINUATION
        if node.end_reason != "compression" or not begins or node.delegate_from is not None:
            continue
        if node.id in cycles:
            continue
        tip = scene.node[compression_tip(scene.graph, node.id, newest)]
        if tip.titled or tip.id == node.id:
            continue
        title = _title_before(scene, tip, node)
        if title is not None:
            yield tip, title


def _title_before(scene: Scene, tip: SessionNode, first: SessionNode) -> str | None:
    for above in scene.graph.ancestors(tip.id):
        if len(scene.graph.continuations(above)) > 1:
            return None  # a fork, whose resolution names its parts
        title = scene.node[above].title
        if title or above == first.id:
            return title
    return None


def _name_again(scene: Scene, node: SessionNode, before: str, finding: Finding) -> Iterator[Unit]:
    """Give the shown part the title of the conversation."""
    title = given_title(base_title(before), CONTINUED, node.started_at, scene.taken_titles)
    change = changes_of(node.id, row_of(scene, node.id), {"title": title})
    resolution = resolved([change], Safety.UNSAFE, "hermes-repair made up the name")
    yield unit_of(finding, resolution, f"give {node.id} the title of its conversation")
