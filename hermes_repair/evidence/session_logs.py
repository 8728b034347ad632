"""Session logs (``session_<id>.json``) that have what neither rows nor transcript have.

A home can have thousands of big logs, nearly all complete or stale, so only the head of each is
read. The messages of a log are read

* where a person named the session, and with ``--deep``;
* where the session has fewer messages from before the log was written than the log counts. Rows
  that came later say nothing about it; a row that was stored twice can hide one that is missing,
  until the session is named;
* where the session has no row and the log is of a surface that never wrote a JSONL file. The log of
  a gateway's chat without its JSONL file is what a delete leaves;
* where the head is not as Hermes writes it.

Never: the log of another session than its name says (the list of a background review carries its
parent's id), and while a transcript file still has what the session lacks, or says that it was
taken back. `repair` looks again after each round, so a log is compared with what the file brought.
"""

from __future__ import annotations

from collections.abc import Iterator

from hermes_repair.evidence.compared_transcripts import (
    Compared,
    Comparisons,
    home_facts,
    rows_of,
    sequence_of,
    session_facts,
)
from hermes_repair.evidence.database_history import HistoryEvidence
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.values import whole
from hermes_repair.transcripts.clock import SLACK, Clock
from hermes_repair.transcripts.json_files import LogHead, read_head
from hermes_repair.transcripts.listing import FileKind, TranscriptFile, list_sessions
from hermes_repair.transcripts.log_comparison import compare_log
from hermes_repair.transcripts.verdicts import Verdict

WITHOUT_FILE = frozenset({"cli", "tui", "acp"})
"""Surfaces of a person that never wrote a JSONL transcript (0.13.0, 0.14.0)."""

TOLD = frozenset({Verdict.EQUAL, Verdict.FILE_SHORTER, Verdict.NOTHING_IN_FILE})
"""What a transcript file says where it leaves nothing to ask of it."""


def compare_logs(snapshot: HistoryEvidence, comparisons: Comparisons) -> dict[str, Compared]:
    """Return the logs that have messages which nobody else has, by session; each has a fill."""
    found: dict[str, Compared] = {}
    for log in _logs(snapshot):
        session_id = log.session_id or ""
        try:
            answer = _compared(snapshot, comparisons, log, session_id)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            snapshot.notes.append(f"{log.path.name} could not be read: {reason}.")
            continue
        if answer is not None:
            found[session_id] = answer
    return found


def _logs(snapshot: HistoryEvidence) -> Iterator[TranscriptFile]:
    wanted = snapshot.look_options.sessions
    for found in list_sessions(snapshot.home.logs_dir).files:
        if found.kind is not FileKind.LOG or (wanted and found.session_id not in wanted):
            continue
        if found.problem is None:
            yield found


def _compared(
    snapshot: HistoryEvidence, comparisons: Comparisons, log: TranscriptFile, session_id: str
) -> Compared | None:
    other = comparisons.answers.get(session_id)
    told = other.comparison if other is not None else None
    if told is not None and told.verdict not in TOLD:
        return None
    named = session_id in snapshot.look_options.sessions | snapshot.look_options.named
    if (
        not named
        and not snapshot.look_options.deep
        and not _may_have_more(snapshot, comparisons.clock, log, session_id)
    ):
        return None
    head = read_head(log.path)
    if head is not None and head.session_id != session_id:
        return None
    answer = Compared(log, None)
    comparison = compare_log(
        session_id,
        sequence_of(answer),
        rows_of(snapshot, session_id),
        session_facts(snapshot, session_id),
        home_facts(snapshot, log),
        comparisons.clock,
        ended=told is not None and told.verdict is not Verdict.NOTHING_IN_FILE,
        named=named,
    )
    return Compared(log, comparison) if comparison.fill is not None else None


def _may_have_more(
    snapshot: HistoryEvidence, clock: Clock, log: TranscriptFile, session_id: str
) -> bool:
    head = read_head(log.path)
    if head is None:
        return True
    if head.session_id != session_id or not head.messages:
        return False
    node = snapshot.node.get(session_id)
    if node is None:
        return head.platform in WITHOUT_FILE
    end = _end(log, head, clock)
    stored = node.rows
    if (node.last_message_at or 0.0) > end:
        stored = _count(snapshot, node, "timestamp <= ?", end)
    if head.messages != stored or head.platform in WITHOUT_FILE:
        return head.messages > stored
    # As many rows: one of them may be the gateway's session_meta, of which a chat has one.
    return _count(snapshot, node, "timestamp <= ? AND role = 'session_meta'", end) > 0


def _end(log: TranscriptFile, head: LogHead, clock: Clock) -> float:
    """Return the latest time at which a log can have been written; a copy is younger than it."""
    end = log.mtime_ns / 1e9
    if head.updated is not None:
        seconds, aware = head.updated
        end = min(end, seconds if aware else clock.latest(seconds))
    return end + SLACK


def _count(snapshot: HistoryEvidence, node: SessionNode, where: str, end: float) -> int:
    row = snapshot.look.one(
        f"SELECT COUNT(*) FROM messages WHERE session_id = ? AND {where}", [node.id, end]
    )
    return whole(row[0]) if row else 0
