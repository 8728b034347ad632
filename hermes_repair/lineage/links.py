"""How one session's link, end or marker is set right (LN001, LN003 to LN007).

Every function takes the session in its graph, with its whole row, and gives a
:class:`~hermes_repair.lineage.column_changes.Resolution`. What only the caller can know (the
database is at rest, how old the state is, locks, the schema's number) the caller asks first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hermes_repair.gateway_routing import Routing
from hermes_repair.lineage.column_changes import (
    BRANCHED_FROM,
    DELEGATE_FROM,
    ConfigUnusable,
    Resolution,
    branch_shape,
    changes_of,
    refused,
    remove_marker,
    resolved,
    set_marker,
    unrouted_shape,
)
from hermes_repair.lineage.graph import Graph, started_after_end
from hermes_repair.lineage.session_node import DelegateMark, SessionNode, Titles
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Row, Value
from hermes_repair.schema.session_titles import EMPTY, base_title, given_title

BRANCH_ENDS = frozenset({"branched", "session_reset"})
"""Ends of a parent after which a child without a marker is a branch or the next chat (LN007)."""


@dataclass(frozen=True, slots=True)
class LinkedSession:
    """A session in its graph, its whole row, and which sessions the gateway's chats lead to."""

    graph: Graph
    node: SessionNode
    row: Row
    routing: Routing


def superseded(session: LinkedSession) -> dict[str, Value]:
    """Return what keeps a gateway from taking up a session whose chat leads to another one now.

    It recovers a lost route by ``session_key``, else by the chat itself, and asks neither parent
    nor marks (0.18.0 to 0.19.0). Empty where nothing else is routed for that chat: then the session
    is what the chat would lead to, and stays so.
    """
    graph, node, routing = session.graph, session.node, session.routing
    if routing.is_live(node.id):
        return {}
    chat = (node.source, node.chat_id, node.chat_type)
    others = (graph.nodes[name] for name in routing.live_ids if name in graph.nodes)
    same_chat = node.chat_id is not None and any(
        (other.source, other.chat_id, other.chat_type) == chat for other in others
    )
    return unrouted_shape() if node.session_key in routing.current or same_chat else {}


def cut_orphan(session: LinkedSession, proof: str | None, origin: str | None = None) -> Resolution:
    """Take the missing parent away from a session (LN001), so that it can be listed.

    A person's chat keeps the id of ``origin`` (the session whose rows it begins with) or of the
    missing parent in ``_branched_from``: schema step 16 then leaves it alone. One tagged as a
    delegate's keeps the tag and stays hidden where releases hide it.
    """
    node, row = session.node, session.row
    cut: dict[str, Value] = {"parent_session_id": None}
    if node.delegate_from is not None:
        return resolved([changes_of(node.id, row, cut)], Safety.SAFE, "its delegate mark stays")
    if proof is None:
        reason = "nothing proves that it is a person's chat and not a delegate's run"
        return resolved([changes_of(node.id, row, cut)], Safety.UNSAFE, reason)
    try:
        cut["model_config"] = set_marker(
            row.get("model_config"), BRANCHED_FROM, origin or node.parent_id or ""
        )
    except ConfigUnusable as error:
        return refused(error.refusal(node.id))
    cut |= superseded(session)
    return resolved([changes_of(node.id, row, cut)], Safety.SAFE, proof)


def waits_for(graph: Graph, origin: SessionNode, node: SessionNode) -> bool:
    """Whether ``node`` is what ``origin`` lacks: closed by compression, before it, continued by
    nothing, of the same source."""
    waits = origin.end_reason == "compression" and not graph.continuations(origin.id)
    unmarked = node.delegate_from is None and node.branched_from is None
    return waits and unmarked and origin.source == node.source and started_after_end(node, origin)


def attach(session: LinkedSession, origin: str) -> Resolution:
    """Link a session to the surviving one that its rows were copied from (LN001, LN004).

    ``origin`` waits for a continuation (:func:`waits_for`), and ``node`` becomes that.
    """
    graph, node = session.graph, session.node
    if not waits_for(graph, graph.nodes[origin], node):
        return refused(f"{origin} does not wait for a continuation")
    values: dict[str, Value] = {"parent_session_id": origin}
    if node.is_open and node.rows and node.api_call_count == 0:
        values["api_call_count"] = 1  # else Hermes closes it after 7 days
    reason = f"it begins with the rows of {origin}, which waits for its continuation"
    return resolved([changes_of(node.id, session.row, values)], Safety.SAFE, reason)


def cut_cycle(session: LinkedSession, proof: str | None, cycle: Sequence[str]) -> Resolution:
    """Cut a cycle at its first member (LN003), which ``session`` and ``proof`` are of.

    SAFE where a session is its own parent, which says nothing, and is a person's or keeps the mark
    by which lists leave it out: every list shows what has no parent. Else a judgement.
    """
    node = session.node
    change = changes_of(node.id, session.row, {"parent_session_id": None})
    if len(cycle) > 1:
        return resolved([change], Safety.UNSAFE, "the earliest session is taken for the first")
    if node.delegate_from is None and proof is None:
        reason = "nothing proves that it is a person's chat and not a delegate's run"
        return resolved([change], Safety.UNSAFE, reason)
    return resolved([change], Safety.SAFE, "no session is its own parent")


def reopen_parent(
    session: LinkedSession, without: Collection[str] = (), *, unwritten: bool = False
) -> Resolution:
    """Open a session again that compression closed and nothing continues (LN004).

    SAFE where a chat of the gateway leads to it now, or its only continuation is proven to be
    ``unwritten`` (LN005, which cuts off the continuations ``without``). Else it is a judgement: a
    continuation that was deleted, and an import without it, leave the same as a crash.
    ``session_key`` and ``chat_type`` stay only where routing names the session now.
    """
    graph, node = session.graph, session.node
    following = [child for child in graph.continuations(node.id) if child not in without]
    if node.end_reason != "compression":
        return refused(f"{node.id} was not closed by compression")
    if following:
        return refused(f"{node.id} is continued by {following[0]}")
    values: dict[str, Value] = {"ended_at": None, "end_reason": None}
    live = session.routing.is_live(node.id)
    if not live:
        values |= unrouted_shape()
    if node.rows and node.api_call_count == 0 and graph.closed_if_unused(node.id):
        values["api_call_count"] = 1  # else Hermes closes it after 7 days
    change = changes_of(node.id, session.row, values)
    if live:
        return resolved([change], Safety.SAFE, "a gateway chat leads to it")
    if unwritten:
        return resolved([change], Safety.SAFE, "nothing that was ever written continues it")
    reason = "its continuation may have been deleted on purpose, which looks the same"
    return resolved([change], Safety.UNSAFE, reason)


def cut_empty(
    session: LinkedSession,
    titles: Titles,
    taken: Collection[str] = (),
    *,
    unwritten: bool = False,
) -> Resolution:
    """Unlink an empty continuation (LN005); it is never deleted.

    SAFE where it is proven to be ``unwritten``: undoing all its turns empties one as well (up to
    0.15.2), and an import brings nothing of one whose turns were all undone. Its title goes where
    Hermes would open it for the title of the conversation. ``taken`` are the
    titles that no session may get.
    """
    graph, node = session.graph, session.node
    if node.rows or graph.children.get(node.id):
        return refused(f"{node.id} is not empty: it has messages or children")
    if session.routing.is_live(node.id):
        return refused(f"a gateway chat leads to {node.id}: its next message goes there")
    values: dict[str, Value] = {"parent_session_id": None}
    above = (graph.nodes[session_id].title for session_id in graph.ancestors(node.id))
    for base in sorted({base_title(title) for title in above if title}):
        if titles.resolve(base) == node.id:
            values["title"] = given_title(base, EMPTY, node.started_at, taken)
    change = changes_of(node.id, session.row, values)
    if unwritten:
        return resolved([change], Safety.SAFE, "nothing was ever written to it")
    reason = "its messages may have been undone on purpose, which looks the same"
    return resolved([change], Safety.UNSAFE, reason)


def unhide(session: LinkedSession, proof: str | None) -> Resolution:
    """Take a delegate's tag off a session (LN006), and give a child a listed shape.

    The tag of schema step 16 says nothing; one that a release wrote is taken off only where a chat
    of the gateway leads to the session now, as a judgement (Hermes #109073). Only for schema
    numbers from 16 on: below, the next open by 0.17.0 or later tags it again.
    """
    node, row = session.node, session.row
    live = session.routing.is_live(node.id)
    step_16 = node.delegate_mark is DelegateMark.STEP_16
    if not step_16 and not (live and node.delegate_mark is DelegateMark.DELEGATE):
        return refused(f"{node.id} was not tagged by schema step 16")
    try:
        untagged = remove_marker(row.get("model_config"), DELEGATE_FROM)
        values: dict[str, Value] = {"model_config": untagged}
        if node.parent_id is None:
            values |= superseded(session)
        elif not _continues_again(session.graph, node):
            values = branch_shape({**row, "model_config": untagged}, node.parent_id, routed=live)
    except ConfigUnusable as error:
        return refused(error.refusal(node.id))
    change = changes_of(node.id, row, values)
    if not step_16:
        reason = "a gateway chat leads to it, though a release tagged it as a delegate's"
        return resolved([change], Safety.UNSAFE, reason)
    if proof is None:
        reason = "nothing proves that it is a person's chat and not a delegate's run"
        return resolved([change], Safety.UNSAFE, reason)
    return resolved([change], Safety.SAFE, proof)


def _continues_again(graph: Graph, node: SessionNode) -> bool:
    """Whether a session without its tag is its parent's only continuation, for every release."""
    parent = graph.nodes.get(node.parent_id or "")
    return parent is not None and waits_for(graph, parent, replace(node, delegate_from=None))


def mark_branch(session: LinkedSession, proof: str | None, *, copied: bool) -> Resolution:
    """Mark a child as the branch that it is (LN007), so that 0.16.0 and later list it.

    ``copied`` is whether it begins with its parent's rows. An end of the parent in
    :data:`BRANCH_ENDS` is a proof only for what is a person's: a delegate's run begins while its
    parent is open, whatever ends that later, or in a turn that goes on while a /new ends it. Where
    the schema is older than the marker (no ``archived`` column) the link is cut too: those releases
    list it only then.
    """
    graph, node, row = session.graph, session.node, session.row
    if node.parent_id is None or node.parent_id not in graph.nodes:
        return refused(f"{node.id} has no parent to branch from")
    parent = graph.nodes[node.parent_id]
    try:
        values: dict[str, Value] = {
            "model_config": set_marker(row.get("model_config"), BRANCHED_FROM, node.parent_id)
        }
    except ConfigUnusable as error:
        return refused(error.refusal(node.id))
    values |= superseded(session)
    if "archived" not in row:
        values["parent_session_id"] = None
    change = changes_of(node.id, row, values)
    if copied:
        return resolved([change], Safety.SAFE, "it begins with its parent's rows")
    if parent.end_reason in BRANCH_ENDS and proof is not None:
        return resolved([change], Safety.SAFE, f"its parent ended as '{parent.end_reason}'")
    return resolved([change], Safety.UNSAFE, "only its words say that it is a branch")
