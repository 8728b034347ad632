"""Continuations that only a transcript file has, or that came from one (LN004, Hermes #33906)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from hermes_repair.evidence.compared_transcripts import Compared, sequence_of
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.copied_rows import begins_with
from hermes_repair.lineage.links import waits_for
from hermes_repair.lineage.message_nature import Message, Nature
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.values import text
from hermes_repair.transcripts.sequences import ASSISTANT, HARNESS, SUMMARY, TOOL, FileSequence

NEAR_SECONDS = 15 * 3600
"""A rotation names its new session after the local time of the moment; zones reach 14 hours."""


@dataclass(frozen=True, slots=True)
class FileSession:
    """A session that only a file has; ``safe`` where repair brings it back by itself."""

    session_id: str
    safe: bool


def continuation_in_file(scene: Scene, node: SessionNode) -> FileSession | None:
    """Return the session without a row whose file begins with the rows of a closed session."""
    rows = None
    for session_id, answer in scene.comparisons.answers.items():
        fill = answer.comparison.fill if answer.comparison is not None else None
        if session_id in scene.node or fill is None or not _near(session_id, node.ended_at):
            continue
        rows = rows if rows is not None else scene.messages(node.id)
        if begins_with(rows, _messages(answer)):
            return FileSession(session_id, answer.comparison is not None and answer.comparison.safe)
    return None


def imported_continuation(scene: Scene, node: SessionNode) -> str | None:
    """Return the session without a parent that a repair brought back and that continues this one.

    All its rows are ones that receipts of ours inserted, and it begins with those of ``node``.
    """
    if not scene.receipt_history.written:
        return None
    rows = None
    for (found,) in scene.look.rows(
        "SELECT DISTINCT session_id FROM messages WHERE id IN (SELECT value FROM json_each(?))",
        [json.dumps(sorted(scene.receipt_history.written))],
    ):
        other = scene.node.get(text(found) or "")
        if other is None or other.parent_id is not None:
            continue
        if not waits_for(scene.graph, node, other):
            continue
        rows = rows if rows is not None else scene.messages(node.id)
        if begins_with(rows, scene.messages(other.id)):
            return other.id
    return None


def _near(session_id: str, ended_at: float | None) -> bool:
    """Whether a session's id can be of the time at which another ended; ids of other forms can."""
    try:
        named = datetime.strptime(session_id[:15], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return True
    return ended_at is None or abs(named.timestamp() - ended_at) <= NEAR_SECONDS


def _messages(answer: Compared) -> tuple[Message, ...]:
    return tuple(_as_messages(sequence_of(answer)))


def _as_messages(sequence: FileSequence) -> Iterator[Message]:
    for index, flags in enumerate(sequence.flags):
        role = "assistant" if flags & ASSISTANT else "tool" if flags & TOOL else "user"
        nature = Nature.GENUINE
        if flags & SUMMARY:
            nature = Nature.CARRIED
        elif flags & HARNESS:
            nature = Nature.PROMPT
        yield Message(index, role, sequence.keys[index], sequence.time(index), nature)
