"""Step 16 with care: which sessions are runs of a delegate, and which only look like one.

Hermes 0.17.0 and later mark every child that is neither branch nor continuation, and every short
untitled session that used a tool. What is marked vanishes from the lists and is deleted with its
parent. Before 0.17 a delegate run has no mark of its own, so its shape is all there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from hermes_repair.model.actions import RowUpdate
from hermes_repair.model.values import Value
from hermes_repair.schema.model_config import (
    BRANCH_MARK,
    DELEGATE_MARK,
    read_config,
    set_as_sqlite_does,
)
from hermes_repair.schema.structure import Query, Structure

ORPHANED = "__orphaned__"
MOST_MESSAGES = 25
DELEGATE_SOURCE = "subagent"
STEP = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that step 16 of some release might mark; times in epoch seconds.

    ``untitled_tool_run``: no title, at most 25 messages, a row of role tool, no children.
    ``parent_id`` names a row that need not exist (``parent_exists``).
    """

    id: str
    source: Value
    started_at: Value
    config: Value
    parent_id: str | None
    parent_exists: bool
    parent_end_reason: Value
    parent_ended_at: Value
    untitled_tool_run: bool


class LeftAlone(Enum):
    """Why a session that Hermes' own step would mark stays as it is."""

    PERSON = "it is a person's chat"
    COPY = "it continues with the rows or the summary of another session"
    SUCCESSOR = "it began when its parent had already ended"
    UNPROVEN = "only its shape suggests a delegate run"
    CONFIG = "its model_config is not a JSON object that the mark can be added to"


@dataclass(frozen=True, slots=True)
class Decisions:
    """``tag``: the marks to set. ``left_alone``: what Hermes' step would mark and we do not."""

    tag: tuple[RowUpdate, ...] = ()
    left_alone: tuple[tuple[str, LeftAlone], ...] = ()


def read_candidates(query: Query, structure: Structure) -> Iterator[Candidate]:
    """Yield the sessions that step 16 would look at; any schema from 1 to 15."""
    untitled = "s.title IS NULL" if structure.has_column("sessions", "title") else "1"
    sql = f"""
SELECT s.id, s.source, s.started_at, s.model_config, s.parent_session_id, p.id IS NOT NULL,
    p.end_reason, p.ended_at,
    {untitled} AND s.message_count <= {MOST_MESSAGES}
        AND EXISTS (SELECT 1 FROM messages AS m WHERE m.session_id = s.id AND m.role = 'tool')
        AND NOT EXISTS (SELECT 1 FROM sessions AS c WHERE c.parent_session_id = s.id) AS short_run
FROM sessions AS s LEFT JOIN sessions AS p ON p.id = s.parent_session_id
WHERE s.parent_session_id IS NOT NULL OR short_run
ORDER BY s.rowid
"""
    for row in query(sql, ()):
        session_id, source, started, config, parent, there, reason, ended, short = row
        if isinstance(session_id, str) and (parent is None or isinstance(parent, str)):
            yield Candidate(
                id=session_id,
                source=source,
                started_at=started,
                config=config,
                parent_id=parent,
                parent_exists=bool(there),
                parent_end_reason=reason,
                parent_ended_at=ended,
                untitled_tool_run=bool(short),
            )


def would_tag(candidate: Candidate, target: int) -> bool:
    """Whether step 16 of the release of schema ``target`` marks this session.

    0.17.0 (16) takes a child of a compressed parent for a continuation only where it began after
    the parent's end; 0.18.0 and later always do. A malformed ``model_config`` makes SQLite raise
    and Hermes skip the whole step; here it counts as having no marks.
    """
    config = read_config(candidate.config) or {}
    if config.get(DELEGATE_MARK) is not None:
        return False
    if candidate.parent_id is None:
        return candidate.untitled_tool_run and config.get(BRANCH_MARK) is None
    after_end = _later(candidate.started_at, candidate.parent_ended_at)
    branch = config.get(BRANCH_MARK) is not None or (
        candidate.parent_end_reason == "branched" and after_end
    )
    continuation = candidate.parent_end_reason == "compression" and (after_end or target != STEP)
    return not branch and not continuation


def delegates_to_tag(
    candidates: Iterable[Candidate],
    target: int,
    persons: Collection[str],
    copies: Collection[str],
) -> Decisions:
    """Decide on every session that step 16 of the target's release would mark.

    ``persons`` are the ids with a person's proof, ``copies`` those that begin with
    another session's rows or with a summary of them. Marked is a child that began while its parent
    was open and that is neither, and whatever has the source of a delegate.
    """
    tags = []
    left = []
    for candidate in candidates:
        if not would_tag(candidate, target):
            continue
        reason = _reason_to_leave(candidate, persons, copies)
        if reason is None:
            tags.append(_tag(candidate))
        else:
            left.append((candidate.id, reason))
    return Decisions(tuple(tags), tuple(left))


def _reason_to_leave(
    candidate: Candidate, persons: Collection[str], copies: Collection[str]
) -> LeftAlone | None:
    config = read_config(candidate.config)
    if config is None or DELEGATE_MARK in config:
        return LeftAlone.CONFIG
    if candidate.id in persons:
        return LeftAlone.PERSON
    if candidate.source == DELEGATE_SOURCE:
        return None
    if candidate.id in copies:
        return LeftAlone.COPY
    if not candidate.parent_exists:
        return LeftAlone.UNPROVEN
    if candidate.parent_ended_at is not None and not _later(
        candidate.parent_ended_at, candidate.started_at
    ):
        return LeftAlone.SUCCESSOR
    return None


def _tag(candidate: Candidate) -> RowUpdate:
    mark = ORPHANED if candidate.parent_id is None else candidate.parent_id
    return RowUpdate(
        "sessions",
        {"id": candidate.id},
        {"model_config": candidate.config},
        {"model_config": set_as_sqlite_does(candidate.config, DELEGATE_MARK, mark)},
    )


def _later(left: Value, right: Value) -> bool:
    """Whether ``left >= right`` as SQL has it for two numbers; no number is never later."""
    numbers = (int, float)
    return isinstance(left, numbers) and isinstance(right, numbers) and left >= right
