"""Whether chats that a merge brought are used by now: then no undo takes them out again.

The rows of a merge are held against its receipt one by one. What Hermes hangs onto them from
outside, no row of theirs tells: messages that follow, a chat of the gateway that leads there, a
delegate's run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from hermes_repair.app.environment import Run
from hermes_repair.app.merge_units import LED
from hermes_repair.app.open_scene import open_scene
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.choices import LookOptions
from hermes_repair.model.errors import Refused
from hermes_repair.model.values import Value, text
from hermes_repair.records.plan_file import PlanFile
from hermes_repair.repair.apply import UNDO_BY_HAND

_ADDED_ROWS = (
    "SELECT a.unit, i.value FROM actions a JOIN units u ON u.number = a.unit"
    " JOIN images i ON i.unit = a.unit AND i.position = a.position AND i.image = 'key'"
    "  AND i.column_name = 'id'"
    " WHERE a.kind = 'RowInsert' AND a.tbl = ? AND u.state = 'done' AND u.kind <> ?"
    " ORDER BY a.unit, a.position"
)
_SUBJECTS = "SELECT number, subject FROM units WHERE state = 'done'"


def require_unused(run: Run, receipt: PlanFile) -> None:
    """Raise :class:`Refused` where Hermes goes on with a chat that this merge brought."""
    with receipt.reading():
        chats = {text(id) or "" for _, id in receipt.rows(_ADDED_ROWS, ["sessions", LED])}
        subjects = {number: text(subject) or "" for number, subject in receipt.rows(_SUBJECTS)}
        last: dict[str, int] = {}
        for unit, id in receipt.rows(_ADDED_ROWS, ["messages", ""]):
            last[subjects[unit]] = int(id)
    with open_scene(run, LookOptions(), check_file=False) as scene:
        for why in _uses(scene, chats, last):
            raise Refused(f"This cannot be undone: {why} after the merge.", UNDO_BY_HAND)


def _uses(scene: Scene, chats: set[str], last: dict[str, int]) -> Iterator[str]:
    for chat in sorted(chats & scene.routing.live_ids):
        yield f"a chat of the gateway was led to {chat}"
    newest: list[Value] = [json.dumps(last)]
    for (id,) in scene.look.rows(
        "SELECT j.key FROM json_each(?) j WHERE EXISTS (SELECT 1 FROM messages m"
        " WHERE m.session_id = j.key AND m.id > j.value) ORDER BY 1",
        newest,
    ):
        yield f"messages were added to {text(id)}"
    if scene.look.has("async_delegations"):
        for (id,) in scene.look.rows(
            "SELECT parent_session_id FROM async_delegations WHERE delivery_state <> 'delivered'"
            " AND parent_session_id IN (SELECT value FROM json_each(?)) ORDER BY 1",
            [json.dumps(sorted(chats))],
        ):
            yield f"{text(id)} began a delegate's run"
