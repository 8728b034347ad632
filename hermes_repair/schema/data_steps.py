"""What a route does to rows where one statement of SQL cannot say it.

Step 4 gives sessions that share a title titles of their own, step 16 marks the runs of delegates,
step 18 copies what ``sessions.json`` knows, and every route ends with the number.

Step 16 with care: Hermes 0.17.0 and later mark every child that is neither branch nor continuation,
and every short untitled session that used a tool. What is marked vanishes from the lists and is
deleted with its parent. Before 0.17 a delegate run has no mark of its own, so its shape is all
there is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hermes_repair.model.actions import Action, Ddl, RowUpdate
from hermes_repair.model.values import RawText, Value, encode_value, number
from hermes_repair.schema.model_config import (
    BRANCH_MARK,
    DELEGATE_MARK,
    read_config,
    set_as_sqlite_does,
)
from hermes_repair.schema.session_titles import given_title
from hermes_repair.schema.structure import Query, Structure

ORPHANED = "__orphaned__"
MOST_MESSAGES = 25
DELEGATE_SOURCE = "subagent"
STEP = 16

OLDER = "older"
TITLE_INDEX = "idx_sessions_title_unique"
SHARED_TITLES = """
SELECT rowid, id, title, started_at FROM sessions
WHERE title IN (
    SELECT title FROM sessions WHERE title IS NOT NULL GROUP BY title HAVING COUNT(*) > 1)
ORDER BY rowid DESC
"""
ALL_TITLES = "SELECT title FROM sessions WHERE title IS NOT NULL"

FILLED = ("session_key", "chat_id", "chat_type", "thread_id", "display_name", "origin_json")
FLAG = "expiry_finalized"


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


def read_title_updates(query: Query, structure: Structure) -> tuple[RowUpdate, ...]:
    """Return the updates that leave no two sessions with one title; none where there are none.

    The unique index can be made then. The newest row keeps the title (0.19.0 does the same and
    clears the others; 0.13.0 to 0.18.2 crash).
    """
    if not structure.has_column("sessions", "title") or TITLE_INDEX in structure.indexes:
        return ()
    shared = [tuple(row) for row in query(SHARED_TITLES, ())]
    if not shared:
        return ()
    taken = {row[0] for row in query(ALL_TITLES, ()) if isinstance(row[0], str)}
    return title_updates(shared, taken)


def title_updates(rows: Iterable[Sequence[Value]], taken: set[str]) -> tuple[RowUpdate, ...]:
    """Return the updates for ``rows`` (rowid, id, title, started_at), newest row first.

    ``taken`` are all titles of the database; those that are given here are added to it.
    """
    kept: set[tuple[str, bytes]] = set()
    updates = []
    for rowid, session_id, title, started_at in rows:
        value = encode_value(title)
        if value not in kept:
            kept.add(value)
            continue
        name = given_title(_readable(title), OLDER, number(started_at), taken)
        taken.add(name)
        key: dict[str, Value] = {"rowid": rowid} if session_id is None else {"id": session_id}
        updates.append(RowUpdate("sessions", key, {"title": title}, {"title": name}))
    return tuple(updates)


def _readable(title: Value) -> str | None:
    match title:
        case None | str():
            return title
        case RawText(data) | bytes(data):
            return data.decode("utf-8", "replace")
        case _:
            return str(title)


def read_gateway_updates(
    query: Query, structure: Structure, entries: Mapping[str, Any]
) -> tuple[RowUpdate, ...]:
    """Return the updates for the sessions that ``entries`` name and the database has.

    Only columns that are NULL are filled, ``expiry_finalized`` only goes from 0 to 1 (0.18.1 to
    0.19.0, equal). An entry that Hermes' own step stumbles over, and with it all later ones, is
    skipped alone.

    ``entries`` is the parsed ``sessions.json``: gateway key to entry. Columns that the database
    lacks as yet count as NULL, the flag as 0, as they will be when the update runs.
    """
    columns = ", ".join(
        name if structure.has_column("sessions", name) else f"{default} AS {name}"
        for name, default in [*((name, "NULL") for name in FILLED), (FLAG, "0")]
    )
    by_session: dict[str, dict[str, Value]] = {}
    for key, entry in entries.items():
        if key.startswith("_") or not isinstance(entry, dict) or not entry.get("session_id"):
            continue
        values = entry_values(key, entry)
        known = by_session.setdefault(str(entry["session_id"]), {})
        for name, value in values.items():
            known[name] = known.get(name) or value if name == FLAG else known.get(name, value)
    updates = []
    for session_id, values in by_session.items():
        if not _storable(session_id):
            continue
        rows = list(query(f"SELECT {columns} FROM sessions WHERE id = ?", (session_id,)))
        if rows:
            before = dict(zip((*FILLED, FLAG), rows[0], strict=True))
            update = _update(session_id, before, values)
            if update is not None:
                updates.append(update)
    return tuple(updates)


def entry_values(key: str, entry: Mapping[str, Any]) -> dict[str, Value]:
    """Return what one entry says, as the columns will hold it; unusable values are left out."""
    origin = entry.get("origin")
    place: Mapping[str, Any] = origin if isinstance(origin, dict) else {}
    stated = {
        "session_key": entry.get("session_key") or key,
        "chat_id": place.get("chat_id"),
        "chat_type": entry.get("chat_type"),
        "thread_id": place.get("thread_id"),
        "display_name": entry.get("display_name"),
        "origin_json": json.dumps(origin) if isinstance(origin, dict) else None,
    }
    values: dict[str, Value] = {}
    for name, value in stated.items():
        text = str(int(value)) if isinstance(value, int) else value
        if isinstance(text, str) and _storable(text):
            values[name] = text
    values[FLAG] = 1 if entry.get(FLAG) or entry.get("memory_flushed") else 0
    return values


def _update(
    session_id: str, before: Mapping[str, Value], values: Mapping[str, Value]
) -> RowUpdate | None:
    after = {name: values[name] for name in FILLED if before[name] is None and name in values}
    if values[FLAG] == 1 and before[FLAG] in (None, 0):
        after[FLAG] = 1
    if not after:
        return None
    return RowUpdate("sessions", {"id": session_id}, {n: before[n] for n in after}, after)


def _storable(text: str) -> bool:
    """Whether SQLite can hold the text: JSON may carry half a surrogate pair, UTF-8 may not."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def version_actions(structure: Structure, number: int, step: str) -> list[Action]:
    """Return what leaves ``schema_version`` with one row that says ``number``; maybe nothing.

    The first row stays and is updated, later ones are removed. The table must be there by then.
    """
    rows = structure.version_rows
    if not rows:
        return [Ddl(f"INSERT INTO schema_version (version) VALUES ({number})", step)]
    actions: list[Action] = []
    if len(rows) > 1:
        first_only = "rowid > (SELECT MIN(rowid) FROM schema_version)"
        actions.append(Ddl(f"DELETE FROM schema_version WHERE {first_only}", step))
    first = rows[0]
    if first.value != number:
        key: dict[str, Value] = {"rowid": first.rowid}
        before, after = {"version": first.value}, {"version": number}
        actions.append(RowUpdate("schema_version", key, before, after))
    return actions
