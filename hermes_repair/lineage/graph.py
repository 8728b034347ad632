"""The sessions of one database as a graph: who is whose child, and in what sense."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from hermes_repair.lineage.person_proof import NEVER_A_PERSON
from hermes_repair.lineage.session_node import SessionNode

CLEARLY = 1.0
"""Seconds by which a child has to be older than its parent's end to be older for certain. Releases
up to 0.19.0 end the parent first; later ones make the child moments before."""


class EdgeKind(Enum):
    """What makes a session the child of its parent."""

    CONTINUATION = "continuation"  # context compression ended the parent and went on here
    REVIEW = "review"  # a continuation that a background review made, with its words only
    BRANCH = "branch"  # /branch, TUI branch, API fork
    DELEGATE = "delegate"  # delegate_task ran a subagent
    TOOL = "tool"
    CRON = "cron"
    UNKNOWN = "unknown"  # a child by none of the rules: an unmarked branch or delegate
    ORPHAN = "orphan"  # the parent's row is gone


def edge_kind(node: SessionNode, parent: SessionNode, *, early: bool = False) -> EdgeKind:
    """Say what ``node`` is to ``parent``; :mod:`.release_rules` has what a release takes it for.

    A continuation is a child of a parent that ended by 'compression', not of source 'tool', without
    ``_branched_from``, whose ``_delegate_from`` is null or the parent's own (a rotated delegate
    copies its configuration). ``early``: it is older than that end and began without a summary, as
    branches and delegates of 0.13.0 to 0.16.0 do, which have no mark; then it is none.
    """
    if node.source == "tool":
        return EdgeKind.TOOL
    if not early and may_continue(node, parent):
        return EdgeKind.CONTINUATION
    if node.branched_from is not None:
        return EdgeKind.BRANCH
    if node.delegate_from is not None or node.source == "subagent":
        return EdgeKind.DELEGATE
    if parent.end_reason == "branched" and started_after_end(node, parent):
        return EdgeKind.BRANCH
    return EdgeKind.CRON if node.source == "cron" else EdgeKind.UNKNOWN


def may_continue(node: SessionNode, parent: SessionNode) -> bool:
    """Whether the rows of two sessions allow that ``node`` continues ``parent``."""
    inherits = node.delegate_from is None or node.delegate_from == parent.delegate_from
    unmarked = node.branched_from is None and node.source != "tool"
    return parent.end_reason == "compression" and unmarked and inherits


def early_children(nodes: Mapping[str, SessionNode]) -> list[str]:
    """Return the children that may continue their parent and began clearly before it ended.

    Only what they begin with can say more (:func:`edge_kind`, ``early``).
    """
    return [
        node.id
        for node in nodes.values()
        if (parent := nodes.get(node.parent_id or "")) is not None
        and may_continue(node, parent)
        and node.started_at is not None
        and parent.ended_at is not None
        and node.started_at < parent.ended_at - CLEARLY
    ]


def started_after_end(node: SessionNode, parent: SessionNode) -> bool:
    """``child.started_at >= parent.ended_at`` as SQL answers it: unknown times are no."""
    if node.started_at is None or parent.ended_at is None:
        return False
    return node.started_at >= parent.ended_at


@dataclass(frozen=True)
class Graph:
    """Every session with its edges. Build it with :meth:`build`.

    ``nodes`` is in the order of the rows. ``children`` maps a parent id, also one that has no row,
    to its children in the order of the rows. ``kinds`` has every session with a parent.
    """

    nodes: Mapping[str, SessionNode]
    children: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, EdgeKind]
    orphans: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...]
    position: Mapping[str, int] = field(repr=False)

    @classmethod
    def build(
        cls,
        nodes: Iterable[SessionNode],
        reviews: Collection[str] = (),
        early: Collection[str] = (),
    ) -> Graph:
        """Build the graph in time linear in the number of sessions.

        ``reviews`` are ids of continuations known from their rows to hold nothing but a background
        review (:func:`hermes_repair.lineage.forks.find_fork` finds them), ``early`` those of
        :func:`early_children` that begin without a summary.
        """
        by_id = {node.id: node for node in nodes}
        children: defaultdict[str, list[str]] = defaultdict(list)
        kinds: dict[str, EdgeKind] = {}
        orphans: list[str] = []
        for node in by_id.values():
            if node.parent_id is None:
                continue
            children[node.parent_id].append(node.id)
            parent = by_id.get(node.parent_id)
            if parent is None:
                kinds[node.id] = EdgeKind.ORPHAN
                orphans.append(node.id)
                continue
            kind = edge_kind(node, parent, early=node.id in early)
            if kind is EdgeKind.CONTINUATION and node.id in reviews:
                kind = EdgeKind.REVIEW
            kinds[node.id] = kind
        return cls(
            nodes=by_id,
            children={parent: tuple(ids) for parent, ids in children.items()},
            kinds=kinds,
            orphans=tuple(orphans),
            cycles=tuple(_cycles(by_id)),
            position={session_id: index for index, session_id in enumerate(by_id)},
        )

    def child_nodes(self, parent_id: str) -> tuple[SessionNode, ...]:
        """Return the children of a session, in the order of the rows."""
        return tuple(self.nodes[child] for child in self.children.get(parent_id, ()))

    def continuations(self, parent_id: str) -> tuple[str, ...]:
        """Return the continuations of a session, those of a background review included."""
        return tuple(
            child
            for child in self.children.get(parent_id, ())
            if self.kinds[child] in (EdgeKind.CONTINUATION, EdgeKind.REVIEW)
        )

    @cached_property
    def forked_parents(self) -> tuple[str, ...]:
        """Ids of the parents with two or more continuations, in the order of the rows."""
        return tuple(
            session_id
            for session_id, node in self.nodes.items()
            if node.end_reason == "compression" and len(self.continuations(session_id)) > 1
        )

    def closed_if_unused(self, session_id: str) -> bool:
        """Whether Hermes ends it, open and without a call of a model, after seven days.

        ``finalize_orphaned_compression_sessions`` (0.13.0 to 0.19.0) asks only how its parent
        ended.
        """
        parent = self.nodes.get(self.nodes[session_id].parent_id or "")
        return parent is not None and parent.end_reason == "compression"

    def chain(self, session_id: str) -> tuple[str, ...]:
        """Return a session and everything that continues it, breadth first; cycles end it."""
        chain = {session_id: None}
        queue = [session_id]
        for current in queue:
            for child in self.continuations(current):
                if child not in chain:
                    chain[child] = None
                    queue.append(child)
        return tuple(chain)

    def ancestors(self, session_id: str) -> tuple[str, ...]:
        """Return the parents of a session, nearest first; a cycle or a missing row ends it."""
        seen = {session_id}
        above: list[str] = []
        current = self.nodes[session_id].parent_id
        while current is not None and current in self.nodes and current not in seen:
            seen.add(current)
            above.append(current)
            current = self.nodes[current].parent_id
        return tuple(above)

    def beginning(self, session_id: str) -> str:
        """Return the session by which lists show this one: where its continuations began."""
        current = session_id
        for above in self.ancestors(session_id):
            if self.kinds.get(current) not in (EdgeKind.CONTINUATION, EdgeKind.REVIEW):
                break
            current = above
        return current

    def family(self, session_id: str) -> tuple[str, ...]:
        """Return the whole lineage that a session belongs to, its topmost member first."""
        above = self.ancestors(session_id)
        family = {above[-1] if above else session_id: None}
        queue = list(family)
        for current in queue:
            for child in self.children.get(current, ()):
                if child not in family:
                    family[child] = None
                    queue.append(child)
        return tuple(family)


def _cycles(nodes: Mapping[str, SessionNode]) -> Iterator[tuple[str, ...]]:
    """Yield each cycle once, beginning with its earliest member that is no run of the program's.

    A self-parent has length one.
    """
    state: dict[str, int] = {}
    for number, start in enumerate(nodes):
        path: list[str] = []
        current: str | None = start
        while current is not None and current in nodes and current not in state:
            state[current] = number
            path.append(current)
            current = nodes[current].parent_id
        if current is not None and state.get(current) == number and current in path:
            cycle = path[path.index(current) :]
            first = min(range(len(cycle)), key=lambda index: _age(nodes[cycle[index]]))
            yield tuple(cycle[first:] + cycle[:first])


def _age(node: SessionNode) -> tuple[bool, bool, float, str]:
    run = node.source in NEVER_A_PERSON or node.delegate_from is not None
    return run, node.started_at is None, node.started_at or 0.0, node.id
