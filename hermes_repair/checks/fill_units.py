"""From a proven fill to the rows that it inserts and moves.

New ids lie above the largest that the table ever gave out; existing rows keep every value but their
id; counts follow Hermes' own rule; the file is copied before anything is taken from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hermes_repair.evidence.compared_transcripts import Compared, sequence_of
from hermes_repair.evidence.scene import NoIdLeft, Scene
from hermes_repair.model import trigger_columns
from hermes_repair.model.actions import Action, FileCopy, RowInsert, RowMove, RowUpdate, SourceRef
from hermes_repair.model.findings import Finding
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import Row, Value, row_digest, row_size, stored
from hermes_repair.model.words import count, utc_day
from hermes_repair.schema.data_steps import entry_values
from hermes_repair.transcripts.message_keys import decode_calls
from hermes_repair.transcripts.message_rows import (
    message_to_row,
    recovered_title,
    session_row,
    tool_calls_of,
)
from hermes_repair.transcripts.reader import prefix_digest, read_record, record_digest
from hermes_repair.transcripts.sequences import FileSequence
from hermes_repair.transcripts.verdicts import Comparison, Fill

ROOM_TO_MOVE = 7
"""What moving a row takes of the disk, times its size: the row, both search indexes, the -wal, and
the receipt, which keeps it whole."""


def fill(scene: Scene, answer: Compared, found: Comparison, finding: Finding) -> Iterator[Unit]:
    """Yield the unit that brings back what a session lacks; ids count through the whole plan."""
    if found.fill is None or answer.changing:
        return
    if not found.fill.lines:
        return  # both sides have everything, in another order (TR003)
    before = scene.look_options.before
    if before is not None and (found.ended is None or found.ended >= before):
        return
    try:
        yield _unit(scene, finding, answer, found, found.fill)
    except NoIdLeft as error:
        if error.message not in scene.notes:
            scene.notes.append(error.message)


def _unit(
    scene: Scene,
    finding: Finding,
    answer: Compared,
    found: Comparison,
    fill: Fill,
) -> Unit:
    ids = scene.new_message_ids
    sequence = sequence_of(answer)
    columns = scene.look.columns("messages")
    source = relative(answer.file.path, scene.home.root)
    existing = _existing(scene, found.session_id)
    actions: list[Action] = [file_copy(answer.file.path, source, sequence.size)]
    moved: list[Action] = []
    room = 0
    calls = sum(row.calls for row in existing.values() if row.active)
    inserted = 0
    for position, step in enumerate(fill.steps):
        if position < fill.kept:
            continue
        if step.row_id is not None:
            moved.append(_move(existing[step.row_id], step.row_id, next(ids)))
            room += existing[step.row_id].room
        elif step.line is not None:
            insert, made = _insert(
                answer.file.path,
                source,
                sequence,
                step.line,
                next(ids),
                found.session_id,
                step.timestamp or 0.0,
                columns,
            )
            moved.append(insert)
            inserted += 1
            calls += made
    active = sum(1 for row in existing.values() if row.active) + inserted
    actions += _session(scene, found, sequence, fill, active, calls)
    actions += moved
    return Unit(
        kind="session",
        subject=found.session_id,
        summary=_summary(found, inserted, fill, finding),
        actions=tuple(actions),
        safety=Safety.SAFE if found.safe else Safety.UNSAFE,
        live=False,
        findings=(finding.fingerprint,),
        finding_ids=(finding.id,),
        sessions=frozenset({found.session_id, *_waiting_children(scene, found.session_id)}),
        room=room,
    )


def _summary(found: Comparison, inserted: int, fill: Fill, finding: Finding) -> str:
    zone = ", times in this machine's zone" if fill.guessed_zone else ""
    return (
        f"bring back {count(inserted, 'message')} of {found.session_id} from"
        f" {finding.subject['path']} ({found.verdict.value}{zone})"
    )


def _waiting_children(scene: Scene, session_id: str) -> tuple[str, ...]:
    """Return the sessions that name a session without a row as their parent: they get it back."""
    return () if session_id in scene.node else scene.graph.children.get(session_id, ())


def relative(path: Path, root: Path) -> str:
    """Return how plans name a file: relative to the home where it lies inside it."""
    try:
        return os.fspath(path.relative_to(root))
    except ValueError:
        return os.fspath(path)


def file_copy(path: Path, source: str, size: int) -> FileCopy:
    """Return the copy of the first ``size`` bytes of a file, as far as it was read."""
    return FileCopy(source, f"{path.name}.gz", size, prefix_digest(path, size))


class _Row(NamedTuple):
    """What is kept of a row that is there: never its text, a session can be larger than memory."""

    digest: str
    columns: tuple[str, ...]
    active: bool
    calls: int
    room: int


def _existing(scene: Scene, session_id: str) -> dict[Value, _Row]:
    columns = tuple(sorted(set(scene.look.columns("messages")) - {"id", *trigger_columns.COLUMNS}))
    return {
        row["id"]: _Row(
            digest=row_digest(row, columns),
            columns=columns,
            active=row.get("active", 1) == 1,
            calls=tool_calls_of(decode_calls(row.get("tool_calls"))),
            room=ROOM_TO_MOVE * row_size(row),
        )
        for row in scene.look.rows_of("messages", "session_id = ?", [session_id])
    }


def _move(row: _Row, old: int, new: int) -> RowMove:
    return RowMove("messages", old, new, row.digest, row.columns)


def _insert(
    path: Path,
    source: str,
    sequence: FileSequence,
    line: int,
    id: int,
    session_id: str,
    timestamp: float,
    columns: Sequence[str],
) -> tuple[RowInsert, int]:
    """Return the insert of one line, and how many tool calls Hermes counts in it."""
    offset, length = sequence.offsets[line], sequence.lengths[line]
    reference = SourceRef(source, offset, length, record_digest(path, offset, length))
    message = read_record(path, offset, length, reference.sha256)
    row = {"id": id, **message_to_row(message, session_id, timestamp, frozenset(columns))}
    names = tuple(sorted(row))
    insert = RowInsert(
        table="messages",
        key={"id": id},
        values={"id": id, "session_id": session_id, "timestamp": timestamp},
        source=reference,
        digest=row_digest(row, names),
        columns=names,
    )
    return insert, tool_calls_of(message.get("tool_calls"))


def _session(
    scene: Scene, found: Comparison, sequence: FileSequence, fill: Fill, active: int, calls: int
) -> list[Action]:
    """Return what the session's own row needs: its counts (those it has), or the whole row."""
    node = scene.node.get(found.session_id)
    if node is None:
        row = _new_session(scene, found.session_id, sequence, fill, active, calls)
        return [RowInsert("sessions", {"id": found.session_id}, row)]
    stored = next(scene.look.rows_of("sessions", "id = ?", [found.session_id]))
    after: dict[str, Value] = {"message_count": active, "tool_call_count": calls}
    if node.is_open and node.api_call_count == 0 and scene.graph.closed_if_unused(node.id):
        after["api_call_count"] = 1
    after = {column: value for column, value in after.items() if column in stored}
    before = {column: stored[column] for column in after}
    update = RowUpdate("sessions", {"id": node.id}, before, after, frozenset(after))
    return [update] if after else []


def _new_session(
    scene: Scene, session_id: str, sequence: FileSequence, fill: Fill, active: int, calls: int
) -> Row:
    times = [step.timestamp for step in fill.steps if step.timestamp is not None]
    started = min(times, default=scene.now)
    meta = sequence.meta
    source = (meta.platform if meta is not None else None) or "import"
    day = utc_day(started)
    return session_row(
        session_id,
        frozenset(scene.look.columns("sessions")),
        source=source,
        started_at=started,
        title=recovered_title(f"{source} chat", day, scene.taken_titles),
        model=meta.model if meta is not None else None,
        messages=active,
        tool_calls=calls,
        calls_model=True,
        routing=_peer(scene, session_id),
    )


def _peer(scene: Scene, session_id: str) -> Row:
    """Return the chat that leads to a session now, as Hermes writes it to the row (0.18.0 on)."""
    keys = scene.routing.keys_of(session_id)
    if not keys:
        return {}
    entry = scene.routing.current[keys[0]].entry
    peer = {"session_key": keys[0]} | entry_values(keys[0], entry)
    origin = entry.get("origin")
    user = origin.get("user_id") if isinstance(origin, dict) else None
    return peer | ({"user_id": stored(user)} if isinstance(user, str) else {})
