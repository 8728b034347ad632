"""Merging the turns of a fork's other halves into the one that is kept, as actions.

Rows that were there keep every value but their id; merged rows are copies of the other half's rows,
which stay where they are. Ids and times both rise in the order of the merged conversation: 0.17.0
reads by time, every other release by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hermes_repair.checks.resolution_units import counters, row_of
from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.compared_messages import Message
from hermes_repair.lineage.forks import Fork, Holds, Sibling
from hermes_repair.lineage.merge import LeftOut, Placed, merge_turns
from hermes_repair.model import trigger_columns
from hermes_repair.model.actions import Action, RowInsert, RowMove, RowUpdate
from hermes_repair.model.values import Row, Value, row_digest, whole
from hermes_repair.transcripts.message_keys import decode_calls
from hermes_repair.transcripts.message_rows import tool_calls_of

KEEPS_APART = frozenset({LeftOut.INCOMPLETE, LeftOut.NO_PLACE})
"""Reasons for which a turn of a person's stays out; a half of which nothing else is left stays a
chat of its own, or its words would be in no list."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge of one fork comes to.

    ``sequence`` are the active rows of the kept session with the merged ones, in order. ``merged``
    are the halves that are in it now, with how many of their messages came in; ``left_out`` how
    many messages of each half did not, by reason.
    """

    sequence: tuple[Placed, ...]
    merged: dict[str, int]
    left_out: dict[str, dict[LeftOut, int]]

    @property
    def merged_in(self) -> int:
        return sum(self.merged.values())


def plan_merge(scene: Scene, fork: Fork, keep: str) -> Merge:
    """Merge every other half with words of its own into ``keep``, the oldest first."""
    kept = next(sibling for sibling in fork.siblings if sibling.session_id == keep)
    shared = kept.shared
    sequence = [Placed(message, False, message.at) for message in scene.messages(keep)]
    merged: dict[str, int] = {}
    left_out: dict[str, dict[LeftOut, int]] = {}
    for other in fork.others(keep):
        if other.holds is not Holds.WORDS:
            continue
        rows = [replace(placed.message, at=placed.at) for placed in sequence]
        merge = merge_turns(rows, shared, scene.messages(other.session_id), other.shared)
        reasons: dict[LeftOut, int] = {}
        for reason, ids in merge.left_out:
            reasons[reason] = reasons.get(reason, 0) + len(ids)
        left_out[other.session_id] = reasons
        if not merge.merged_in and KEEPS_APART & reasons.keys():
            continue
        merged[other.session_id] = len(merge.merged_in)
        before = {placed.message.id for placed in sequence if placed.merged_in}
        sequence = [
            replace(placed, merged_in=placed.merged_in or placed.message.id in before)
            for placed in merge.sequence
        ]
    return Merge(tuple(sequence), merged, left_out)


def merge_actions(scene: Scene, keep: str, merge: Merge) -> Iterator[Action]:
    """Yield the actions that make the kept session read so, its counts first."""
    if not merge.merged_in:
        return
    rows = {row["id"]: row for row in scene.look.rows_of("messages", "session_id = ?", [keep])}
    order = list(_all_rows(sorted(rows, key=whole), merge.sequence))
    first = next(place for place, (_, placed) in enumerate(order) if placed is not None)
    copies = _copied_rows(scene, [placed.message for _, placed in order if placed is not None])
    yield from _counted(scene, keep, rows.values(), copies)
    for row_id, placed in order[first:]:
        number = next(scene.new_message_ids)
        if placed is None:
            yield _move(rows[row_id], whole(row_id), number)
            continue
        row = trigger_columns.without(copies[placed.message.id])
        at = placed.at if placed.at is not None else row["timestamp"]
        values = {**row, "id": number, "session_id": keep, "timestamp": at}
        yield RowInsert("messages", {"id": number}, values)


def _all_rows(
    ids: Sequence[Value], sequence: Sequence[Placed]
) -> Iterator[tuple[Value, Placed | None]]:
    """Yield every row of the kept session by id, inactive ones too, the merged rows between.

    A merged row is yielded with its place; one that was there already without.
    """
    waiting = list(reversed(sequence))
    shown = {placed.message.id for placed in sequence if not placed.merged_in}
    for row_id in ids:
        if row_id in shown:
            while waiting[-1].merged_in:
                yield None, waiting.pop()
            waiting.pop()
        yield row_id, None
    while waiting:
        yield None, waiting.pop()


def _copied_rows(scene: Scene, messages: Sequence[Message]) -> dict[int, Row]:
    return {
        message.id: row
        for message in messages
        for row in scene.look.rows_of("messages", "id = ?", [message.id])
    }


def _move(row: Row, old: int, new: int) -> RowMove:
    columns = tuple(sorted(set(row) - {"id", *trigger_columns.COLUMNS}))
    return RowMove("messages", old, new, row_digest(row, columns), columns)


def _counted(
    scene: Scene, keep: str, rows: Iterable[Row], copies: dict[int, Row]
) -> list[RowUpdate]:
    """Return the update of the kept session's counts, by Hermes' own rule.

    A rewind leaves ``message_count`` as it was, so there only what comes in is added.
    """
    stored = row_of(scene, keep)
    node = scene.node[keep]
    active = [row for row in rows if row.get("active", 1) == 1]
    calls = sum(_calls(row) for row in copies.values())
    if node.rewind_count:
        messages = (node.message_count or 0) + len(copies)
        tool_calls = whole(stored.get("tool_call_count")) + calls
    else:
        messages = len(active) + len(copies)
        tool_calls = sum(_calls(row) for row in active) + calls
    counted: dict[str, Value] = {"message_count": messages, "tool_call_count": tool_calls}
    if node.is_open and node.api_call_count == 0:
        counted["api_call_count"] = 1  # else Hermes closes an open continuation after 7 days
    return counters(stored, counted)


def _calls(row: Row) -> int:
    return tool_calls_of(decode_calls(row.get("tool_calls")))


def own_words(sibling: Sibling) -> int:
    """Return how many messages only this sibling has that are the user's own."""
    return len(sibling.own) if sibling.holds is Holds.WORDS else 0
