"""The lineage as a picture: rich on a terminal, ASCII elsewhere, JSON, and DOT for graphviz."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from hermes_repair.lineage.family_tree import DEEPEST, Leaf, Tree, drawn
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.words import TITLE_LENGTH, count, day, escape, shorten
from hermes_repair.report.colour import coloured
from hermes_repair.report.lines import Line

LOUD = frozenset({"fork", "orphan", "hidden", "cycle"})
"""Marks of something that is wrong."""
_EDGE = {
    EdgeKind.CONTINUATION: "solid",
    EdgeKind.REVIEW: "dotted",
    EdgeKind.BRANCH: "dashed",
    EdgeKind.DELEGATE: "dotted",
    EdgeKind.TOOL: "dotted",
    EdgeKind.CRON: "dotted",
    EdgeKind.UNKNOWN: "bold",
    EdgeKind.ORPHAN: "bold",
}


def words(leaf: Leaf, *, title: bool) -> str:
    """Return what is told of one session after its id and marks."""
    node = leaf.node
    parts = [node.source or "-", count(node.active_rows, "message"), _span(node), _end(node)]
    if title and node.title:
        parts.append(f'"{shorten(node.title, TITLE_LENGTH)}"')
    if "orphan" in leaf.marks:
        parts.append(f"(below {node.parent_id}, which is gone)")
    return "  ".join(part for part in parts if part)


def _span(node: SessionNode) -> str:
    times = [day(at) for at in (node.started_at, node.last_message_at) if at is not None]
    return " .. ".join(dict.fromkeys(times))


def _end(node: SessionNode) -> str:
    return node.end_reason or ("open" if node.is_open else "ended")


def plain(trees: Iterable[Tree], *, title: bool) -> Iterator[str]:
    """Yield the picture as lines of ASCII; text of the data is not escaped yet."""
    for number, tree in enumerate(trees):
        if number:
            yield ""
        for lead, leaf in drawn(tree.leaves):
            marks = f"  [{', '.join(leaf.marks)}]" if leaf.marks else ""
            yield f"{lead}{leaf.node.id}{marks}  {words(leaf, title=title)}"


def alone_lines(alone: int) -> list[Line]:
    """Return how many sessions without a family are not drawn."""
    if not alone:
        return []
    return [Line(""), Line(f"and {count(alone, 'session')} on their own; -v shows them", "dim")]


def show_on_terminal(trees: Iterable[Tree], *, title: bool) -> None:
    """Draw the picture with rich."""
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree as Drawing

    system: Literal["standard"] | None = "standard" if coloured(sys.stdout) else None
    console = Console(file=sys.stdout, markup=False, highlight=False, color_system=system)

    def label(leaf: Leaf) -> Text:
        deep = f"({leaf.depth}) " if leaf.depth > DEEPEST else ""
        text = Text(deep + escape(leaf.node.id))
        for mark in leaf.marks:
            text.append(f" [{mark}]", style="bold red" if mark in LOUD else "green")
        return text.append(f"  {escape(words(leaf, title=title))}")

    for number, tree in enumerate(trees):
        if number:
            console.print()
        drawing = Drawing(label(tree.leaves[0]), guide_style="dim")
        above = [drawing]
        for leaf in tree.leaves[1:]:
            depth = min(leaf.depth, DEEPEST)
            del above[depth:]
            above.append(above[-1].add(label(leaf)))
        console.print(drawing)


def entries(trees: Iterable[Tree]) -> list[dict[str, Any]]:
    """Return the families as JSON: ids, counts and times, no titles (R9)."""
    return [
        {"root": tree.root.id, "sessions": [_entry(leaf) for leaf in tree.leaves]} for tree in trees
    ]


def _entry(leaf: Leaf) -> dict[str, Any]:
    node = leaf.node
    return {
        "session_id": node.id,
        "parent": node.parent_id,
        "depth": leaf.depth,
        "kind": leaf.kind.value if leaf.kind is not None else None,
        "source": node.source,
        "messages": node.active_rows,
        "started_at": node.started_at,
        "last_message_at": node.last_message_at,
        "ended_at": node.ended_at,
        "end_reason": node.end_reason,
        "marks": list(leaf.marks),
    }


def dot(trees: Iterable[Tree]) -> Iterator[str]:
    """Yield the families as one graph in the language of graphviz."""
    yield "digraph lineage {"
    yield "  rankdir=LR; node [shape=box, fontname=monospace];"
    for tree in trees:
        for leaf in tree.leaves:
            node = leaf.node
            lines = [node.id, f"{node.source or '-'}, {count(node.active_rows, 'message')}"]
            lines += [_span(node), _end(node), *([", ".join(leaf.marks)] if leaf.marks else [])]
            colour = _colour(leaf)
            yield f"  {_quoted(node.id)} [label={_quoted(*lines)}{colour}];"
            if leaf.kind is not None and node.parent_id is not None:
                style = _EDGE[leaf.kind]
                yield (
                    f"  {_quoted(node.parent_id)} -> {_quoted(node.id)}"
                    f' [style={style}, label="{leaf.kind.value}"];'
                )
    yield "}"


def _colour(leaf: Leaf) -> str:
    if LOUD & set(leaf.marks):
        return ", color=red"
    return ", color=green" if "live" in leaf.marks else ""


def _quoted(*lines: str) -> str:
    """Return a quoted DOT string of these lines; JSON's quoting is DOT's for printable text."""
    quoted = [json.dumps(escape(line), ensure_ascii=False)[1:-1] for line in lines]
    return '"' + "\\n".join(quoted) + '"'
