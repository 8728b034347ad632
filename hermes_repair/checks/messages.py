"""Rows of messages and what sessions count of them (MS...)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hermes_repair.checks.registry import check
from hermes_repair.checks.scene import Scene
from hermes_repair.lineage.node import SessionNode
from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.findings import Finding, Remedy, Safety, Severity
from hermes_repair.model.plans import Unit
from hermes_repair.model.values import Value
from hermes_repair.report.escape import count


def drifts(node: SessionNode) -> bool:
    """Whether ``message_count`` cannot come from Hermes' own counting (design 6.2).

    A rewind leaves the count as it was: 6 for 4 active rows is normal then.
    """
    if node.message_count is None:
        return True
    if not node.rewind_count:
        return node.message_count != node.active_rows
    return not node.active_rows <= node.message_count <= node.rows


def loses(scene: Scene, session_id: str) -> bool:
    """Whether a transcript file still has messages of this session that the database lacks.

    Then the old count is evidence (all messages missing), and that finding names the session.
    """
    answer = scene.comparisons.answers.get(session_id)
    fill = answer.comparison.fill if answer is not None and answer.comparison is not None else None
    return fill is not None and bool(fill.lines)


def unflagged(scene: Scene) -> frozenset[Value]:
    """Return sessions with messages whose active flag is NULL: SC007 sets that before we count."""
    if not scene.recognition.active_nullable:
        return frozenset()
    found = scene.look.scan("DISTINCT session_id", "messages", "active IS NULL")
    return frozenset(row[0] for row in found)


@check("MS002", "count-drift", Severity.WARNING, Remedy.SAFE)
def count_drift(scene: Scene) -> Iterator[Finding]:
    """A session says it has another number of messages than there are.

    What it means: lists show a wrong number, and a session that counts 0 may be hidden from lists
    although its messages are there.

    How it happens: a write that failed half-way, rows removed or added by another program, or a
    count that was kept when rows were lost (Hermes #39734, #12563).

    What repair does: it sets `message_count` to the number of active rows, as Hermes counts.

    How safe it is: derived from the rows, the old number is kept in the receipt. Where a count is
    the only trace of a loss that a transcript file can still undo, that repair goes first.
    """
    waiting = unflagged(scene)
    for node in scene.nodes:
        if node.id not in waiting and drifts(node) and not loses(scene, node.id):
            yield count_drift.finding(
                {"kind": "session", "session_id": node.id},
                f"counts {count(node.message_count or 0, 'message')}, and"
                f" {count(node.active_rows, 'message')} are there.",
                "hermes-repair repair",
                data={"message_count": node.message_count, "active_rows": node.active_rows},
                identity=(node.message_count, node.active_rows),
                sessions=1,
            )


@count_drift.proposes
def recount(scene: Scene, findings: Sequence[Finding]) -> Iterator[Unit]:
    """Set the count to what is there."""
    for finding in findings:
        node = scene.node.get(finding.session_id or "")
        if node is None:
            continue
        row = next(scene.look.rows_of("sessions", "id = ?", [node.id]), None)
        if row is None:
            continue
        yield Unit(
            kind="session",
            subject=node.id,
            summary=f"count the messages of {node.id} again:"
            f" {node.message_count} -> {node.active_rows}",
            actions=(
                RowUpdate(
                    table="sessions",
                    key={"id": node.id},
                    before={"message_count": row["message_count"]},
                    after={"message_count": node.active_rows},
                    counters=frozenset({"message_count"}),
                ),
            ),
            safety=Safety.SAFE,
            live=False,
            findings=(finding.fingerprint,),
            finding_ids=(finding.id,),
            sessions=frozenset({node.id}),
        )
