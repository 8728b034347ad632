"""MS007: messages that each compaction in place archived again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

from hermes_repair.checks.registry import check
from hermes_repair.evidence.scene import Scene
from hermes_repair.model.findings import Finding, Remedy, Severity
from hermes_repair.model.values import Value, whole
from hermes_repair.model.words import count, size
from hermes_repair.store.look import Look

MANY_ARCHIVED = 1000
"""Archived messages of a chat from which on it is looked at: fewer cost nothing worth a word."""
_QUARTER = 4


class _Copies(NamedTuple):
    """How many archived messages of a chat have an equal one after them, and their bytes."""

    number: int
    size: int


@check("MS007", "archived-copies", Severity.INFO, Remedy.NONE)
def archived_copies(scene: Scene) -> Iterator[Finding]:
    """Compaction archived the same messages of a chat again and again.

    What it means: the database and its search index grow with every compaction, and a search finds
    such a message several times. No list and no model is shown them.

    How it happens: a compaction in place (0.18.0 and later) archives every message of the chat, and
    stores those that it keeps once more (Hermes #86366, #101938: 12 to 20 GB).

    What repair does: nothing, and none is ever removed unasked: the archive is what Hermes' search
    shows of a chat before its summary, and a person may have said the same twice.

    How safe it is: nothing is changed. The number is that of archived messages to which an equal
    one follows in the same chat, so it counts what was said twice, too.
    """
    if "compacted" not in scene.look.columns("messages"):
        return
    archived = scene.look.within_limit(_archived)
    if archived is None:
        scene.notes.append("MS007 was not checked: it takes too long while the database is in use.")
        return
    for session, number in archived:
        copies = scene.look.within_limit(partial(_copies, session=session))
        if copies is None or copies.number * _QUARTER < number or session not in scene.node:
            continue
        yield archived_copies.finding(
            {"kind": "session", "session_id": session},
            f"has {count(number, 'archived message')}; {copies.number:,} of them"
            f" ({size(copies.size)}) are there again after them.",
            "Nothing needs to be done: they are archived, and no model is shown them.",
            data={"archived": number, "copies": copies.number, "bytes": copies.size},
            identity=(session,),
            sessions=1,
        )


def _archived(look: Look) -> list[tuple[str, int]]:
    """Return the chats with many inactive messages; an index answers that (schema 14 on)."""
    rows = look.rows(
        "SELECT session_id, COUNT(*) AS archived FROM messages WHERE active = 0"
        f" GROUP BY session_id HAVING archived >= {MANY_ARCHIVED} ORDER BY session_id"
    )
    return [(id, whole(number)) for id, number in rows if isinstance(id, str)]


def _copies(look: Look, session: str) -> _Copies:
    """Count from the last message back, each by a digest: a chat may be larger than memory."""
    after: set[bytes] = set()
    number = total = 0
    for role, content, calls, answers, active, compacted in look.rows(
        "SELECT m.role, m.content, m.tool_calls, m.tool_call_id, m.active, m.compacted FROM"
        " (SELECT id FROM messages WHERE session_id = ? ORDER BY id DESC LIMIT -1) k"
        " CROSS JOIN messages m ON m.id = k.id",
        [session],
    ):
        parts = (role, content, calls, answers)
        digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if not active and compacted and digest in after:
            number += 1
            total += sum(map(_length, parts))
        after.add(digest)
    return _Copies(number, total)


def _length(value: Value) -> int:
    return len(value) if isinstance(value, str | bytes) else 0
