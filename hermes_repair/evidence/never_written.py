"""Whether anything was ever written to a session that is empty now, told by ids of messages."""

from __future__ import annotations

from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.session_node import SessionNode

FIRST_IMPORTING = 22
"""From this schema on (0.19.0) a release imports sessions, and gives their messages new ids."""


def never_written(scene: Scene, empty: SessionNode, before: SessionNode) -> bool:
    """Whether ``empty``, which began after the last message of ``before``, never held a message.

    ``messages.id`` is AUTOINCREMENT: an id is given once, and one that nobody holds belonged to a
    message that is gone. Where every id above the last one of ``before`` is held, nothing that was
    written since is gone. After an import ids say nothing of what there was before it.
    """
    if empty.rows or scene.recognition.number >= FIRST_IMPORTING:
        return False
    if before.rows and (
        before.last_message_at is None
        or empty.started_at is None
        or before.last_message_at > empty.started_at
    ):
        return False
    row = scene.look.one(
        "SELECT seq = last + (SELECT COUNT(*) FROM messages WHERE id > last) FROM"
        " (SELECT COALESCE(MAX(id), 0) AS last FROM messages WHERE session_id = ?),"
        " (SELECT seq FROM sqlite_sequence WHERE name = 'messages')",
        [before.id],
    )
    return row is not None and row[0] == 1
