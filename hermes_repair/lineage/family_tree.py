"""The lineage as trees for a reader: which session stands below which, and what it is.

Iterative, because a chain can have thousands of members; a cycle ends where it comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hermes_repair.gateway_routing import Routing
from hermes_repair.lineage.graph import EdgeKind, Graph
from hermes_repair.lineage.session_node import DelegateMark, SessionNode

DEEPEST = 15
"""Beyond this depth a picture does not go further to the right."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One session of a tree.

    ``depth`` is 0 for the first of a family. ``kind`` is what it is to its parent, ``None`` for the
    first. ``marks`` are single words, in the order of importance.
    """

    node: SessionNode
    depth: int
    kind: EdgeKind | None
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """One family: its members as they are drawn, each after its parent."""

    leaves: tuple[Leaf, ...]

    @property
    def root(self) -> SessionNode:
        return self.leaves[0].node


def grow(graph: Graph, routing: Routing, members: Iterable[str] | None = None) -> Iterator[Tree]:
    """Yield the families of these sessions (of all of them: ``None``), each once, as trees.

    Children stand by their start. A family begins with a session that has no parent, whose parent
    is gone, or with the earliest of a cycle.
    """
    cycles = {session_id for cycle in graph.cycles for session_id in cycle}
    first_of_cycle = {name: cycle[0] for cycle in graph.cycles for name in cycle}
    forked = frozenset(graph.forked_parents)
    roots: dict[str, None] = {}
    for session_id in graph.nodes if members is None else members:
        top = graph.family(session_id)[0] if members is not None else session_id
        if members is not None or _begins(graph, top, first_of_cycle):
            roots[first_of_cycle.get(top, top)] = None
    for root in sorted(roots, key=lambda name: _start(graph.nodes[name])):
        yield Tree(tuple(_walk(graph, routing, root, forked, cycles)))


def _begins(graph: Graph, session_id: str, first_of_cycle: dict[str, str]) -> bool:
    parent = graph.nodes[session_id].parent_id
    if parent is None or parent not in graph.nodes:
        return True
    return first_of_cycle.get(session_id) == session_id


def _walk(
    graph: Graph,
    routing: Routing,
    root: str,
    forked: Collection[str],
    cycles: Collection[str],
) -> Iterator[Leaf]:
    seen: set[str] = set()
    stack = [(root, 0)]
    while stack:
        session_id, depth = stack.pop()
        if session_id in seen:
            continue
        seen.add(session_id)
        node = graph.nodes[session_id]
        kind = graph.kinds.get(session_id) if depth else None
        marks = tuple(_marks(graph, routing, node, forked, cycles))
        yield Leaf(node, depth, kind, marks)
        children = sorted(graph.child_nodes(session_id), key=_start, reverse=True)
        stack += [(child.id, depth + 1) for child in children if child.id not in seen]


def _marks(
    graph: Graph,
    routing: Routing,
    node: SessionNode,
    forked: Collection[str],
    cycles: Collection[str],
) -> Iterator[str]:
    if routing.is_live(node.id):
        yield "live"
    if node.id in forked:
        yield "fork"
    if node.id in cycles:
        yield "cycle"
    kind = graph.kinds.get(node.id)
    if kind is EdgeKind.ORPHAN:
        yield "orphan"
    if node.delegate_mark is DelegateMark.STEP_16:
        yield "hidden"
    if node.archived:
        yield "archived"
    branch = node.branched_from is not None or kind is EdgeKind.BRANCH
    delegate = node.delegate_mark is DelegateMark.DELEGATE or kind is EdgeKind.DELEGATE
    if branch:
        yield "branch"
    if delegate and node.delegate_mark is not DelegateMark.STEP_16:
        yield "delegate"
    if kind in (EdgeKind.REVIEW, EdgeKind.TOOL, EdgeKind.CRON):
        yield kind.value
    if kind is EdgeKind.UNKNOWN and not branch:
        yield "unmarked"


def _start(node: SessionNode) -> tuple[float, str]:
    return node.started_at or 0.0, node.id


def drawn(leaves: Sequence[Leaf]) -> Iterator[tuple[str, Leaf]]:
    """Yield each leaf with the lines that lead to it, in ASCII.

    What is deeper than :data:`DEEPEST` is drawn at that depth and says how deep it is.
    """
    depths = [min(leaf.depth, DEEPEST) for leaf in leaves]
    last = _is_last(depths)
    goes_on: list[bool] = []
    for place, leaf in enumerate(leaves):
        depth = depths[place]
        del goes_on[max(0, depth - 1) :]
        if depth == 0:
            yield "", leaf
            continue
        above = "".join("|   " if open_ else "    " for open_ in goes_on)
        deeper = f"({leaf.depth}) " if leaf.depth > DEEPEST else ""
        yield f"{above}{'`-- ' if last[place] else '|-- '}{deeper}", leaf
        goes_on.append(not last[place])


def _is_last(depths: Sequence[int]) -> list[bool]:
    """Return for each place whether no later one of the same depth has the same place above it."""
    last = [True] * len(depths)
    latest: list[int] = []
    for place, depth in enumerate(depths):
        del latest[depth + 1 :]
        if len(latest) > depth:
            last[latest[depth]] = False
            latest[depth] = place
        else:
            latest.append(place)
    return last
