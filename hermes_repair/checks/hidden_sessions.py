"""Chats that are there and in no list (LN006), and what the next open would hide (LN010)."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.checks.registry import check
from hermes_repair.checks.resolution_units import (
    DATABASE,
    LOOK_AT_MIGRATION,
    MIGRATED,
    fix_of,
    how,
    linked,
    remedy,
    row_of,
)
from hermes_repair.evidence.ownership import decide
from hermes_repair.evidence.scene import Scene
from hermes_repair.home.installs import serving
from hermes_repair.lineage.column_changes import Resolution, changes_of, resolved
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.links import unhide
from hermes_repair.lineage.person_proof import NEVER_A_PERSON
from hermes_repair.lineage.release_rules import RULES, picker
from hermes_repair.lineage.session_node import DelegateMark, SessionNode
from hermes_repair.model.commands_to_type import Hint, advice, command
from hermes_repair.model.findings import Concerns, Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage
from hermes_repair.model.values import Row
from hermes_repair.model.words import count, utc_day
from hermes_repair.schema.data_steps import STEP, LeftAlone, read_candidates, would_tag
from hermes_repair.schema.releases import number_of_release, release_key

FLAGS = ("archived", "hidden")
"""Columns with which a user hides a whole conversation (from 0.16.0, from 0.20)."""
PROVEN = frozenset({LeftAlone.PERSON, LeftAlone.COPY})


@check(
    "LN006",
    "hidden-by-marker",
    Severity.ERROR,
    Remedy.SAFE,
    stage=Stage.LINEAGE,
    concerns=Concerns.UNSEEN,
)
def hidden_by_marker(scene: Scene) -> Iterator[Finding]:
    """A chat is in the database, and no list shows it.

    What it means: its row has the mark of a delegate's run, so every release from 0.17.0 on leaves
    it out of the lists and deletes it together with its parent. The chat itself is complete.

    How it happens: the first open by 0.17.0 or later marked every short untitled session that used
    a tool, and every child that it could not explain (schema step 16; on one install 40 of 96
    chats). A release also left the mark on chats that were live (Hermes #109073, #115092).

    What repair does: it removes the mark. A child that is not a continuation becomes a branch,
    which every release lists.

    How safe it is: safe where the chat is provably a person's (a routing entry or key, ids of a
    message platform, two different messages of a person, or a copy of such a chat). Where nothing
    proves it, it may be a delegate's run, rightly hidden: then it is only a note, and shown again
    when you name it. A part of a listed conversation that is archived on its own is a note as well.
    """
    if scene.recognition.number >= STEP:
        since = hidden_since(scene)
        tagged = [node for node in scene.nodes if _is_tagged(scene, node)]
        proofs = scene.proofs([node.id for node in tagged])
        for node in tagged:
            resolution = _unhide(scene, node)
            proven = node.id in proofs or node.delegate_mark is DelegateMark.DELEGATE
            yield hidden_by_marker.finding(
                {"kind": "session", "session_id": node.id},
                f"is in no list{since}."
                if proven
                else f"is in no list{since}; it may be a delegate's run.",
                how(resolution, node.id),
                severity=Severity.ERROR if proven else Severity.INFO,
                remedy=remedy(resolution),
                data={
                    "mark": node.delegate_from,
                    "reason": str(resolution.reason),
                    "proven": proven,
                },
                identity=(node.delegate_from,),
                sessions=1,
                messages=node.active_rows,
                fix=fix_of(
                    resolution,
                    f"list {node.id} again: remove the delegate's mark ({resolution.reason})",
                ),
            )
    for node, column in _parts_hidden(scene):
        resolution = _show(node, row_of(scene, node.id), column)
        yield hidden_by_marker.finding(
            {"kind": "session", "session_id": node.id, "column": column},
            f"is {column}, although its conversation is not.",
            how(resolution, node.id),
            severity=Severity.INFO,
            remedy=remedy(resolution),
            data={"mark": column, "reason": str(resolution.reason), "proven": False},
            identity=(column,),
            sessions=1,
            messages=node.active_rows,
            fix=fix_of(
                resolution, f"show {node.id} again: it alone is {column} ({resolution.reason})"
            ),
        )


def _is_tagged(scene: Scene, node: SessionNode) -> bool:
    if node.source in NEVER_A_PERSON or node.id in scene.graph.orphans:
        return False  # an orphan is LN001's
    if node.delegate_mark is DelegateMark.STEP_16:
        return True
    return node.delegate_mark is DelegateMark.DELEGATE and scene.routing.is_live(node.id)


def _unhide(scene: Scene, node: SessionNode) -> Resolution:
    return unhide(linked(scene, node), scene.proof(node.id))


def hidden_since(scene: Scene) -> str:
    """Return since when step 16 hides chats, in words; empty where nothing tells.

    Of our own careful step the receipt tells. Hermes' ran after the last session that it marked had
    begun, and before the first that it would have marked and did not.
    """
    marked = [
        node.started_at
        for node in scene.nodes
        if node.delegate_mark is DelegateMark.STEP_16 and node.started_at is not None
    ]
    if not marked:
        return ""
    for header in scene.receipt_history.migrations:
        if header.schema is not None and header.schema < STEP <= (header.target or 0):
            return f" since hermes-repair migrated it to schema {header.target}, on" + (
                f" {utc_day(header.created)}"
            )
    after = max(marked)
    spared = [
        float(candidate.started_at)
        for candidate in read_candidates(scene.look.rows, scene.structure)
        if isinstance(candidate.started_at, int | float)
        and candidate.started_at > after
        and would_tag(candidate, STEP + 1)
    ]
    words = f" since schema step {STEP} (an update to 0.17.0 or later)"
    first, last = utc_day(after), utc_day(min(spared)) if spared else None
    if first == last:
        return f"{words}, on {first}"
    return f"{words}, after {first}" + (f" and before {last}" if last is not None else "")


def _parts_hidden(scene: Scene) -> Iterator[tuple[SessionNode, str]]:
    """Yield continuations with a flag that the first session of their conversation has not."""
    for column in FLAGS:
        if column not in scene.look.columns("sessions"):
            continue
        flagged = {row[0] for row in scene.look.rows(f"SELECT id FROM sessions WHERE {column} = 1")}
        for node in scene.nodes:
            if (
                node.id not in flagged
                or scene.graph.kinds.get(node.id) is not EdgeKind.CONTINUATION
            ):
                continue
            if scene.graph.beginning(node.id) not in flagged:
                yield node, column


def _show(node: SessionNode, row: Row, column: str) -> Resolution:
    reason = "it may have been done on purpose"
    return resolved([changes_of(node.id, row, {column: 0})], Safety.UNSAFE, reason)


def _yours(proven: int, number: int) -> str:
    if number == 1:
        return "which is provably yours" if proven else "which may be yours"
    if proven == number:
        return "all of them provably yours"
    return f"of which {proven:,} {'is' if proven == 1 else 'are'} provably yours"


@check("LN010", "would-be-hidden", Severity.WARNING, Remedy.MIGRATE, concerns=Concerns.AT_RISK)
def would_be_hidden(scene: Scene) -> Iterator[Finding]:
    """The next open by Hermes 0.17.0 or later will hide chats.

    What it means: schema step 16 marks every short untitled session that used a tool, and every
    child that it cannot explain, as a delegate's run. What is marked vanishes from the lists and is
    deleted with its parent. Only chats that lists show now are counted; LN001 and LN007 report the
    others.

    How it happens: Hermes changes the database itself when it first opens it after an update.

    What repair does: `hermes-repair migrate --to 16` (or beyond) takes that step beforehand, and
    marks only what really is a delegate's run.

    How safe it is: nothing is hidden that is provably a person's, a continuation or a branch. If no
    installed Hermes does this, and --for names none, this is only a note.
    """
    number = scene.recognition.number
    if scene.recognition.family not in MIGRATED or number >= STEP:
        return
    target, coming = _next_open(scene)
    listed = {line.shown for line in picker(scene.graph, RULES["0.16.0"])}
    left = [pair for pair in decide(scene, target).left_alone if pair[0] in listed]
    if not left:
        return
    proven = sum(1 for _, reason in left if reason in PROVEN)
    ids = sorted(session_id for session_id, _ in left)
    yield would_be_hidden.finding(
        DATABASE,
        f"The next start of Hermes 0.17.0 or later will hide {count(len(left), 'chat')},"
        f" {_yours(proven, len(left))}.",
        _before_that(scene, target),
        severity=Severity.WARNING if coming else Severity.INFO,
        data={
            "schema": number,
            "hidden": {session_id: reason.name.lower() for session_id, reason in left},
            "proven": proven,
        },
        identity=tuple(ids),
        sessions=len(left),
        messages=sum(scene.node[session_id].active_rows for session_id in ids),
    )


def _before_that(scene: Scene, target: int) -> Hint:
    """Return what keeps the next open from hiding chats: the migration, when Hermes allows it."""
    known = serving(scene.installed)
    if known is None or known.number is None:
        return command("migrate", "--to", str(max(STEP, target)), "--dry-run")
    if known.number >= STEP:
        return LOOK_AT_MIGRATION
    return advice("After the update, before Hermes starts: {}", command("migrate"))


def _next_open(scene: Scene) -> tuple[int, bool]:
    """Return the schema whose step 16 is to come, and whether that is known to come."""
    release = scene.look_options.release
    named = number_of_release(release) if release is not None else None
    later = release is not None and release_key(release) >= release_key("0.17.0")
    expected = next((i.number for i in scene.installed if i.number is not None), None)
    numbers = [number for number in (named, expected) if number is not None and number >= STEP]
    return (min(numbers, default=STEP), bool(numbers) or later)
