"""What a chat of the gateway may have gone on in since a part of it was closed (GW001)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from hermes_repair.evidence.scene import Scene
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.session_node import SessionNode

_OF_NO_PERSON = {EdgeKind.DELEGATE, EdgeKind.REVIEW, EdgeKind.TOOL, EdgeKind.CRON}


def written_on(scene: Scene, chain: Sequence[str]) -> bool:
    """Whether messages were written into a closed part after its continuation had begun.

    ``chain`` is a continuation, what it continues, and so on. Releases up to 0.17 write the next
    message into the closed part that their entry names. Ids tell it: a clock may be wrong.
    """
    return any(
        scene.look.one(
            "SELECT 1 FROM messages WHERE session_id IS ?1"
            " AND id > (SELECT MIN(id) FROM messages WHERE session_id IS ?2) LIMIT 1",
            [closed, child],
        )
        for child, closed in pairwise(chain)
    )


def other_since(scene: Scene, key: str, chain: Sequence[str]) -> str | None:
    """Return a session that may be this chat's since its first part (last in ``chain``) was closed.

    Someone who begins a chat anew, branches it or leads it elsewhere uses another session of the
    same platform, which nothing ties to the chat once an old ``sessions.json`` was put back. Every
    one that was begun or written in since counts, whoever spoke first in it (a group is one chat)
    and however it ended, except those that another chat leads to and those of another chat's key.
    """
    closed = scene.node[chain[-1]]
    written = scene.look.rows(
        "SELECT DISTINCT session_id FROM messages"
        " WHERE id > (SELECT MIN(id) FROM messages WHERE session_id IS ?)",
        [chain[-2]],
    )
    used = {str(id) for (id,) in written}
    since = scene.graph.position[chain[-2]]
    led_to = _led_to(scene)
    for node in scene.nodes:
        if node.source != closed.source or node.id in chain or node.id in led_to:
            continue
        begun = scene.graph.position[node.id] > since
        if (begun or node.id in used) and _may_be_of(scene, node, key):
            return node.id
    return None


def somebody_else(scene: Scene, key: str, closed: SessionNode) -> bool:
    """Whether anybody but the person of a chat is known on its platform: another chat or user.

    Two chats may have exchanged their sessions by /resume before an old ``sessions.json`` was put
    back. Releases up to 0.17 note in no row who spoke where (0.13.0, 0.16.0 and 0.17.0, run).
    """
    platform = key.split(":")[2:3]
    if any(other != key and other.split(":")[2:3] == platform for other in scene.routing.current):
        return True
    row = scene.look.one(
        "SELECT 1 FROM sessions WHERE source IS ?1 AND user_id IS NOT NULL AND user_id IS NOT"
        " (SELECT user_id FROM sessions WHERE id IS ?2) LIMIT 1",
        [closed.source, closed.id],
    )
    return row is not None


def _may_be_of(scene: Scene, node: SessionNode, key: str) -> bool:
    return node.session_key in (None, key) and scene.graph.kinds.get(node.id) not in _OF_NO_PERSON


def _led_to(scene: Scene) -> set[str]:
    """Return the sessions that some chat leads to, and what they continue."""
    return {name for live in scene.routing.live_ids for name in _with_continued(scene, live)}


def _with_continued(scene: Scene, session_id: str) -> Iterator[str]:
    yield session_id
    for parent in scene.graph.ancestors(session_id):
        if scene.graph.kinds.get(session_id) is not EdgeKind.CONTINUATION:
            return
        yield parent
        session_id = parent
