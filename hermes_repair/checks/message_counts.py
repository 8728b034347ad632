"""Rows of messages and what sessions count of them (MS...)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hermes_repair.checks.registry import check, each
from hermes_repair.checks.resolution_units import REPAIR, counters, repair_of, row_of, session_unit
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.plans import Safety, Stage, Unit
from hermes_repair.model.values import Value
from hermes_repair.model.words import count
from hermes_repair.transcripts.verdicts import Comparison


def drifts(node: SessionNode) -> bool:
    """Whether ``message_count`` cannot come from Hermes' own counting.

    A rewind leaves the count as it was: 6 for 4 active rows is normal then.
    """
    if node.message_count is None:
        return True
    if not node.rewind_count:
        return node.message_count != node.active_rows
    return not node.active_rows <= node.message_count <= node.rows


def silenced(scene: Scene, node: SessionNode) -> bool:
    """Whether no message of a session is active although all count and nothing took them back.

    Then the flags are wrong and not the count (Hermes #51646). A rewind is counted, and what
    compaction took out is marked.
    """
    if node.active_rows or not node.rows or node.message_count != node.rows or node.rewind_count:
        return False
    compacted = "compacted" if "compacted" in scene.look.columns("messages") else "0"
    rows = scene.look.rows(f"SELECT id, {compacted} FROM messages WHERE session_id = ?", [node.id])
    return not any(marked or id in scene.receipt_history.deactivated for id, marked in rows)


def lost(scene: Scene, session_id: str) -> Comparison | None:
    """Return the comparison of a session with a transcript that has messages which it lacks.

    Then the old count is evidence, and must stay until they are back.
    """
    answer = scene.comparisons.answers.get(session_id)
    comparison = answer.comparison if answer is not None else None
    if comparison is None or comparison.fill is None or not comparison.fill.lines:
        return None
    return comparison


def loses(scene: Scene, session_id: str) -> bool:
    """Whether a transcript file still has messages of this session that the database lacks."""
    return lost(scene, session_id) is not None


def unflagged(scene: Scene) -> frozenset[Value]:
    """Return sessions with messages whose active flag is NULL: SC007 sets that before we count."""
    if not scene.recognition.active_nullable:
        return frozenset()
    rows = scene.look.scan("DISTINCT session_id", "messages", "active IS NULL")
    return frozenset(row[0] for row in rows)


@check("MS002", "count-drift", Severity.WARNING, Remedy.SAFE, stage=Stage.COUNTS)
def count_drift(scene: Scene) -> Iterator[Finding]:
    """A session has the wrong message count.

    What it means: lists show a wrong number, and a session that counts 0 may be hidden from lists
    although its messages are there.

    How it happens: a write that failed halfway, rows that another program removed or added, or a
    count that stayed when rows were lost (Hermes #39734, #12563).

    What repair does: it sets `message_count` to the number of active rows, as Hermes counts. Where
    all messages are inactive, although the session counts them and nothing undid them, it makes
    them active again.

    How safe it is: the number follows from the rows, and the receipt keeps the old one: where a
    copy has messages that were lost, it still proves that (CP001). Where a
    transcript file has messages that the database lacks, the number stays: it may be the last trace
    of a loss, and bringing them back counts again. Making messages active again is your decision,
    and done only when you name the session.
    """
    if "message_count" not in scene.look.columns("sessions"):
        return  # there is no number to be wrong; SC002 names the column
    waiting = unflagged(scene)
    for node in scene.nodes:
        if node.id not in waiting and drifts(node):
            in_file = lost(scene, node.id)
            if in_file is not None:
                if not in_file.safe and node.message_count and not node.rewind_count:
                    yield _counted_in_file(node, in_file)
                continue
            hidden = silenced(scene, node)
            there = f"the database has {node.active_rows:,}."
            yield count_drift.finding(
                {"kind": "session", "session_id": node.id},
                f"counts {count(node.message_count or 0, 'message')}, and"
                f" {'none is shown, although nothing undid them.' if hidden else there}",
                advice("To show them again: {}", repair_of(node.id)) if hidden else REPAIR,
                remedy=Remedy.UNSAFE if hidden else Remedy.SAFE,
                data={"message_count": node.message_count, "active_rows": node.active_rows},
                identity=(node.message_count, node.active_rows),
                sessions=1,
                fix=each(partial(_recount, scene, node, hidden)),
            )


def _counted_in_file(node: SessionNode, in_file: Comparison) -> Finding:
    """Return the finding for a count of which a file has the messages, but may be an older state.

    It stays as it is: it would be the last trace of them.
    """
    return count_drift.finding(
        {"kind": "session", "session_id": node.id},
        f"counts {count(node.message_count or 0, 'message')}, the database has"
        f" {node.active_rows:,}, and its file has {in_file.counts.missing:,} more.",
        advice("To bring them back: {}", command("backfill", node.id)),
        remedy=Remedy.MANUAL,
        data={
            "message_count": node.message_count,
            "active_rows": node.active_rows,
            "only_in_file": in_file.counts.missing,
        },
        identity=(node.message_count, node.active_rows),
        sessions=1,
        messages=in_file.counts.missing,
    )


def _recount(scene: Scene, node: SessionNode, hidden: bool, finding: Finding) -> Iterator[Unit]:
    """Set the count to what is there; where all are ``hidden``, show them instead."""
    counted = counters(row_of(scene, node.id), {"message_count": node.active_rows})
    yield session_unit(
        finding,
        f"show the messages of {node.id} again"
        if hidden
        else f"correct the message count of {node.id}: {node.message_count} -> {node.active_rows}",
        _shown_again(scene, node) if hidden else counted,
        Safety.UNSAFE if hidden else Safety.SAFE,
    )


def _shown_again(scene: Scene, node: SessionNode) -> Iterator[RowUpdate]:
    rows = scene.look.rows("SELECT id, active FROM messages WHERE session_id = ?", [node.id])
    for id, flag in rows:
        yield RowUpdate("messages", {"id": id}, {"active": flag}, {"active": 1})
