"""The lineage as trees: order, marks, circles, and depths beyond any page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hermes_repair.gateway_routing import build_routing
from hermes_repair.lineage.family_tree import DEEPEST, Leaf, drawn, grow
from hermes_repair.lineage.graph import EdgeKind, Graph
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.report.tree_text import dot, plain
from tests.support import NO_ROUTING


def node(name: str, parent: str | None = None, at: float = 0.0, **more: Any) -> SessionNode:
    made = SessionNode(name, source="cli", parent_id=parent, started_at=at)
    return replace(made, **more)


def family(*nodes: SessionNode, live: str | None = None) -> list[list[Leaf]]:
    routing = build_routing(f'{{"k": {{"session_id": "{live}"}}}}'.encode()) if live else NO_ROUTING
    return [list(tree.leaves) for tree in grow(Graph.build(nodes), routing)]


CLOSED: dict[str, Any] = {"ended_at": 5.0, "end_reason": "compression"}


def test_children_stand_below_their_parent_by_start() -> None:
    trees = family(
        node("late", "root", 9.0),
        node("early", "root", 7.0),
        node("root", None, 1.0, **CLOSED),
        node("grandchild", "early", 8.0),
        node("alone", None, 0.5),
    )
    assert [[leaf.node.id for leaf in tree] for tree in trees] == [
        ["alone"],
        ["root", "early", "grandchild", "late"],
    ]
    assert [leaf.depth for leaf in trees[1]] == [0, 1, 2, 1]
    assert trees[1][0].marks == ("fork",)
    lines = [f"{lead}{leaf.node.id}" for lead, leaf in drawn(trees[1])]
    assert lines == ["root", "|-- early", "|   `-- grandchild", "`-- late"]


@pytest.mark.parametrize(
    ("given", "marks"),
    [
        (node("x", "gone"), ("orphan",)),
        (node("x", "p", delegate_from="p"), ("delegate",)),
        (node("x", None, delegate_from="__orphaned__"), ("hidden",)),
        (node("x", "p", delegate_from="p", config_minified=True), ("hidden",)),
        (node("x", "p", branched_from="p"), ("branch",)),
        (node("x", None, branched_from="p", archived=1), ("archived", "branch")),
        (replace(node("x", "p"), source="tool"), ("tool",)),
        (node("x", "p"), ("unmarked",)),
        (node("x", "x"), ("cycle", "unmarked")),
        (node("live"), ("live",)),
    ],
)
def test_marks(given: SessionNode, marks: tuple[str, ...]) -> None:
    trees = family(node("p"), given, live="live")
    found = {leaf.node.id: leaf.marks for tree in trees for leaf in tree}
    assert found[given.id] == marks


def test_a_background_review_is_told_from_a_continuation() -> None:
    nodes = [node("p", **CLOSED), node("r", "p", 6.0)]
    graph = Graph.build(nodes, reviews={"r"})
    (tree,) = grow(graph, NO_ROUTING)
    assert (tree.leaves[1].kind, tree.leaves[1].marks) == (EdgeKind.REVIEW, ("review",))


def test_a_circle_is_drawn_once_from_its_earliest_member() -> None:
    trees = family(node("b", "a", 2.0), node("a", "c", 1.0), node("c", "b", 3.0), node("d", "c"))
    assert [[leaf.node.id for leaf in tree] for tree in trees] == [["a", "b", "c", "d"]]
    (only,) = grow(Graph.build([node("a", "a")]), NO_ROUTING, ["a"])
    assert [leaf.node.id for leaf in only.leaves] == ["a"]


def test_one_family_by_any_of_its_members() -> None:
    graph = Graph.build([node("a"), node("b", "a"), node("c", "b"), node("z")])
    (tree,) = grow(graph, NO_ROUTING, ["c"])
    assert [leaf.node.id for leaf in tree.leaves] == ["a", "b", "c"]


def test_a_chain_of_thousands_is_drawn_and_does_not_run_off_the_page() -> None:
    nodes = [node("s0", **CLOSED)]
    nodes += [node(f"s{n}", f"s{n - 1}", float(n), **CLOSED) for n in range(1, 5000)]
    (tree,) = grow(Graph.build(nodes), NO_ROUTING)
    lines = list(plain([tree], title=False))
    assert len(lines) == 5000
    assert lines[-1].startswith("    " * (DEEPEST - 1) + "`-- (4999) s4999")
    assert lines[DEEPEST].startswith("    " * (DEEPEST - 1) + "|-- s15  ")


def test_dot_quotes_what_the_data_holds() -> None:
    (tree,) = grow(Graph.build([node('a"b\\\n')]), NO_ROUTING)
    text = "\n".join(dot([tree]))
    assert '"a\\"b\\\\\\\\n"' in text
    assert text.count("\n") == 3
