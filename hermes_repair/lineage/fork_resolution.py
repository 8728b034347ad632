"""How a forked conversation is set right: the exact columns of each session (LN002).

The sibling that is kept stays the only continuation of the parent and is not touched. The rows of
``sessions`` that a function needs are all sessions of the chains of all siblings
(:func:`sessions_of`), each with the columns that exist.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hermes_repair.lineage.column_changes import (
    ConfigUnusable,
    Resolution,
    archive_shape,
    branch_shape,
    changes_of,
    refused,
    resolved,
    unrouted_shape,
)
from hermes_repair.lineage.forks import Fork, Holds, Sibling
from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.session_node import Titles
from hermes_repair.model.plans import Safety
from hermes_repair.model.values import Row, Value
from hermes_repair.schema.session_titles import (
    EMPTY,
    MERGED,
    OTHER_HALF,
    REVIEW,
    base_title,
    continues,
    given_title,
)

RECOVERABLE_ENDS = frozenset({"agent_close", "ws_orphan_reap"})
"""Ends that ``find_latest_gateway_session_for_peer`` (0.18.0 to 0.19.0) does not respect."""

_WORDS = {
    Holds.WORDS: OTHER_HALF,
    Holds.COPIES: OTHER_HALF,
    Holds.REVIEW: REVIEW,
    Holds.NOTHING: EMPTY,
}


def sessions_of(fork: Fork) -> tuple[str, ...]:
    """Name every session whose row a resolution of this fork may change."""
    return tuple(member for sibling in fork.siblings for member in sibling.chain)


@dataclass(frozen=True, slots=True)
class Basis:
    """What all resolutions of one run start from.

    ``rows`` are the rows of :func:`sessions_of`, ``titles`` those of the whole database, ``taken``
    those that no session may get: these, and what the same plan gives.
    """

    graph: Graph
    rows: Mapping[str, Row]
    titles: Titles
    taken: Collection[str]


def branch(basis: Basis, fork: Fork, keep: str) -> Resolution:
    """Keep one sibling as the continuation and make every other one a chat of its own.

    A sibling with words of its own becomes a branch that every release lists; one that only copies
    or only holds a background review is archived; one without rows is only unlinked. SAFE where
    routing or being the only open one proves ``keep``, else UNSAFE.
    """
    return _resolve(basis, fork, keep)


def archive(basis: Basis, fork: Fork, keep: str) -> Resolution:
    """Keep one sibling and hide the others, where they hold nothing of the user's.

    Without changes where one of them does.
    """
    for sibling in fork.others(keep):
        if sibling.holds is Holds.WORDS:
            count = len(sibling.own)
            return refused(f"{sibling.session_id} has {count} messages that no other half has")
    return branch(basis, fork, keep)


def archive_merged(basis: Basis, fork: Fork, keep: str, merged: Collection[str]) -> Resolution:
    """Hide the siblings ``merged``, whose turns were merged into ``keep``, with a pointer to it.

    UNSAFE, as every merge. What was not merged is treated as :func:`branch` does.
    """
    for sibling in fork.siblings:
        if sibling.continued and sibling.session_id in {keep, *merged}:
            return refused(
                f"{sibling.session_id} was itself continued: only its first part would be merged"
            )
        if sibling.session_id in merged and sibling.session_id in fork.live.routed:
            return refused(f"a gateway chat leads to {sibling.session_id}")
    return _resolve(basis, fork, keep, frozenset(merged))


def _resolve(
    basis: Basis, fork: Fork, keep: str, merged: frozenset[str] = frozenset()
) -> Resolution:
    after: dict[str, dict[str, Value]] = {}
    for sibling in fork.others(keep):
        row = basis.rows[sibling.session_id]
        routed = sibling.session_id in fork.live.routed
        try:
            if sibling.session_id in merged:
                values = archive_shape(row, keep)
            else:
                values = _shape(sibling, row, fork.parent_id, routed=routed)
        except ConfigUnusable as error:
            return refused(error.refusal(sibling.session_id))
        after[sibling.session_id] = values
        if not routed:
            after |= {member: unrouted_shape() for member in _recoverable(basis.graph, sibling)}
    for session_id, title in _names(basis, fork, keep, merged).items():
        after.setdefault(session_id, {})["title"] = title
    changes = [
        changes_of(session_id, basis.rows[session_id], values)
        for session_id, values in after.items()
    ]
    if merged:
        return resolved(changes, Safety.UNSAFE, f"merged into {keep}")
    if fork.live.session_id == keep:
        return resolved(changes, Safety.SAFE, f"live by {fork.live.by.value}")
    return resolved(changes, Safety.UNSAFE, "nothing proves which one is live")


def _shape(sibling: Sibling, row: Row, parent_id: str, *, routed: bool) -> dict[str, Value]:
    if sibling.holds is Holds.NOTHING:
        return {"parent_session_id": None}
    if sibling.holds is Holds.WORDS or routed:
        return branch_shape(row, parent_id, routed=routed)
    return archive_shape(row, parent_id)


def _recoverable(graph: Graph, sibling: Sibling) -> tuple[str, ...]:
    """Name the later members of a chain that a gateway would take up again for their key."""
    return tuple(
        member
        for member in sibling.chain[1:]
        if graph.nodes[member].is_open or graph.nodes[member].end_reason in RECOVERABLE_ENDS
    )


def _names(basis: Basis, fork: Fork, keep: str, merged: frozenset[str]) -> dict[str, str]:
    """Return the new titles: for siblings without one, and for those that would be resumed.

    A sibling that stays visible gets a title if it has none. Any session of a sibling's chain that
    Hermes would resume for the title of the conversation is renamed.
    """
    graph = basis.graph
    bases = _bases(graph, fork, keep)
    stem = next(iter(bases), None)
    taken = set(basis.taken)
    names: dict[str, str] = {}

    def give(session_id: str, sibling: Sibling) -> None:
        node = graph.nodes[session_id]
        own = None if node.title is None else base_title(node.title)
        if own is None or any(continues(own, base) for base in bases):
            own = stem
        words = MERGED if sibling.session_id in merged else _WORDS[sibling.holds]
        names[session_id] = given_title(own, words, node.started_at, taken)
        taken.add(names[session_id])

    owners = {member: sibling for sibling in fork.others(keep) for member in sibling.chain}
    for sibling in fork.others(keep):
        shown = sibling.holds is Holds.WORDS or "archived" not in basis.rows[sibling.session_id]
        untitled = not graph.nodes[sibling.session_id].titled
        if untitled and shown and sibling.holds is not Holds.NOTHING:
            give(sibling.session_id, sibling)
    for base in bases:
        while (title := basis.titles.resolve(base, names)) in owners:
            give(title, owners[title])
    return names


def _bases(graph: Graph, fork: Fork, keep: str) -> tuple[str, ...]:
    """Return the titles of the conversation: of the kept chain and of what it continues."""
    ids = (*graph.chain(keep), fork.parent_id, *graph.ancestors(fork.parent_id))
    titles = (graph.nodes[session_id].title for session_id in ids)
    return tuple(dict.fromkeys(base_title(title) for title in titles if title))
