"""From a proven fill to the rows that it inserts and moves.

New ids lie above the largest that the table ever gave out; existing rows keep every value but their
id; counts follow Hermes' own rule; the file is copied before anything is taken from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from hermes_repair.checks.resolution_units import counters, row_of, session_unit
from hermes_repair.evidence.compared_transcripts import Compared
from hermes_repair.evidence.scene import NoIdLeft, Scene
from hermes_repair.model import trigger_columns
from hermes_repair.model.actions import Action, FileCopy, RowInsert, RowMove, SourceRef
from hermes_repair.model.findings import Finding
from hermes_repair.model.plans import Safety, Unit
from hermes_repair.model.values import Row, Value, row_digest, row_size, stored
from hermes_repair.model.words import count, utc_day
from hermes_repair.schema.data_steps import entry_values
from hermes_repair.transcripts.message_keys import decode_calls
from hermes_repair.transcripts.message_rows import (
    NewSession,
    message_to_row,
    recovered_title,
    tool_calls_of,
)
from hermes_repair.transcripts.sequences import FileSequence, SessionMeta
from hermes_repair.transcripts.source_bytes import digested_record, prefix_digest
from hermes_repair.transcripts.verdicts import Comparison, Fill

ROOM_TO_MOVE = 7
"""What moving a row takes of the disk, times its size: the row, both search indexes, the -wal, and
the receipt, which keeps it whole."""


def fill(
    scene: Scene, answer: Compared, comparison: Comparison, finding: Finding
) -> Iterator[Unit]:
    """Yield the unit that brings back what a session lacks; ids count through the whole plan."""
    if comparison.fill is None or answer.changing:
        return
    if not comparison.fill.lines:
        return  # both sides have everything, in another order (TR003)
    before = scene.look_options.before
    if before is not None and (comparison.ended is None or comparison.ended >= before):
        return
    try:
        yield _Filling(scene, answer.file.path, answer.lines(), comparison, comparison.fill).unit(
            finding
        )
    except NoIdLeft as error:
        if error.message not in scene.notes:
            scene.notes.append(error.message)


@dataclass(frozen=True, slots=True)
class _Filling:
    """One session that gets back the lines of a file."""

    scene: Scene
    path: Path
    sequence: FileSequence
    comparison: Comparison
    fill: Fill

    @property
    def source(self) -> str:
        """How the plan names the file."""
        return relative(self.path, self.scene.home.root)

    def unit(self, finding: Finding) -> Unit:
        """Return the unit that copies the file, counts anew, and moves and inserts the rows."""
        scene, comparison, ids = self.scene, self.comparison, self.scene.new_message_ids
        existing = _existing(scene, comparison.session_id)
        shown = [row for row in existing.values() if row.active]
        placed: list[Action] = []
        room = calls = 0
        for step in self.fill.steps[self.fill.kept :]:
            if step.row_id is not None:
                row = existing[step.row_id]
                placed.append(RowMove("messages", step.row_id, next(ids), row.digest, row.columns))
                room += row.room
            elif step.line is not None:
                insert, more_calls = self._insert(step.line, next(ids), step.timestamp or 0.0)
                placed.append(insert)
                calls += more_calls
        inserted = sum(isinstance(action, RowInsert) for action in placed)
        calls += sum(row.calls for row in shown)
        actions = [
            file_copy(self.path, self.source, self.sequence.size),
            *self._session(len(shown) + inserted, calls),
            *placed,
        ]
        zone = ", times in this machine's zone" if self.fill.guessed_zone else ""
        summary = (
            f"bring back {count(inserted, 'message')} of {comparison.session_id} from"
            f" {self.path.name} ({comparison.verdict.value}{zone})"
        )
        safety = Safety.SAFE if comparison.safe else Safety.UNSAFE
        unit = session_unit(finding, summary, actions, safety)
        waiting = _waiting_children(scene, comparison.session_id)
        return replace(unit, sessions=unit.sessions.union(waiting), room=room)

    def _insert(self, line: int, id: int, timestamp: float) -> tuple[RowInsert, int]:
        """Return the insert of one line, and how many tool calls Hermes counts in it."""
        path, session_id = self.path, self.comparison.session_id
        offset, length = self.sequence.offsets[line], self.sequence.lengths[line]
        message, sha256 = digested_record(path, offset, length)
        columns = frozenset(self.scene.look.columns("messages"))
        row = {"id": id, **message_to_row(message, session_id, timestamp, columns)}
        names = tuple(sorted(row))
        insert = RowInsert(
            table="messages",
            key={"id": id},
            values={"id": id, "session_id": session_id, "timestamp": timestamp},
            source=SourceRef(self.source, offset, length, sha256),
            digest=row_digest(row, names),
            columns=names,
        )
        return insert, tool_calls_of(message.get("tool_calls"))

    def _session(self, messages: int, calls: int) -> Sequence[Action]:
        """Return what the session's own row needs: its counts (those it has), or the whole row."""
        scene, session_id = self.scene, self.comparison.session_id
        node = scene.node.get(session_id)
        if node is None:
            return [RowInsert("sessions", {"id": session_id}, self._new_session(messages, calls))]
        counted: dict[str, Value] = {"message_count": messages, "tool_call_count": calls}
        if node.is_open and node.api_call_count == 0 and scene.graph.closed_if_unused(node.id):
            counted["api_call_count"] = 1
        return counters(row_of(scene, session_id), counted)

    def _new_session(self, messages: int, calls: int) -> Row:
        times = [step.timestamp for step in self.fill.steps if step.timestamp is not None]
        started = min(times, default=self.scene.now)
        meta = self.sequence.meta
        counted = (messages, calls)
        return new_session(self.scene, self.comparison.session_id, started, meta, counted)


def new_session(
    scene: Scene,
    session_id: str,
    started: float,
    meta: SessionMeta | None = None,
    counted: tuple[int, int] = (0, 0),
) -> Row:
    """Return the row of a session that only a file knows; it began at ``started`` (epoch).

    ``counted`` are its messages and tool calls.
    """
    source = (meta.platform if meta is not None else None) or "import"
    return NewSession(
        session_id=session_id,
        source=source,
        started_at=started,
        title=recovered_title(f"{source} chat", utc_day(started), scene.taken_titles),
        messages=counted[0],
        tool_calls=counted[1],
        model=meta.model if meta is not None else None,
        calls_model=True,
        routing=_peer(scene, session_id),
    ).row(frozenset(scene.look.columns("sessions")))


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
