"""The lineage as a picture: lines on a terminal, ASCII elsewhere, JSON, and DOT for graphviz."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from hermes_repair.lineage.family_tree import Leaf, Tree, drawn
from hermes_repair.lineage.graph import EdgeKind
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.model.words import TITLE_LENGTH, cells, count, day, escape, shorten
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
    return "  ".join(_parts(leaf, title=title))


def _parts(leaf: Leaf, *, title: bool) -> Iterator[str]:
    node = leaf.node
    yield node.source or "-"
    yield count(node.active_rows, "message")
    if span := _span(node):
        yield span
    yield _end(node)
    if title and node.title:
        yield f'"{shorten(node.title, TITLE_LENGTH)}"'
    if "orphan" in leaf.marks:
        yield f"(below {node.parent_id}, which is gone)"


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
    """Draw the picture with lines and colours; a line that does not fit ends between two facts."""
    from rich.console import Console
    from rich.text import Text

    colour = coloured(sys.stdout)
    console = Console(
        file=sys.stdout,
        markup=False,
        highlight=False,
        soft_wrap=True,
        color_system="standard" if colour else None,
    )
    for number, tree in enumerate(trees):
        if number:
            console.print()
        for ascii_lead, leaf in drawn(tree.leaves):
            lead, below = _drawn_lead(ascii_lead)
            for place, facts in enumerate(_filled(leaf, console.width - len(lead), title=title)):
                text = Text(below if place else lead, style="dim")
                for style, fact in facts:
                    text.append(fact, style=style)
                console.print(text)


_LINES = str.maketrans({"|": "│", "`": "└", "-": "─"})


def _drawn_lead(lead: str) -> tuple[str, str]:
    """Return what leads to a session in lines that meet, and what stands below it."""
    guide, deep, number = lead.partition("(")
    shown = guide.replace("|--", "├──").translate(_LINES)
    below = guide.replace("|--", "|  ").replace("`--", "   ").translate(_LINES)
    return shown + deep + number, below + "  "


def _filled(leaf: Leaf, width: int, *, title: bool) -> Iterator[list[tuple[str, str]]]:
    """Yield the facts of a session as lines of styled text; no fact is broken."""
    facts = [("not dim", escape(leaf.node.id))]
    facts += [("bold red" if mark in LOUD else "green", f"[{mark}]") for mark in leaf.marks]
    facts += [("not dim", escape(part)) for part in _parts(leaf, title=title)]
    line, room = facts[:1], width - cells(facts[0][1])
    for number, (style, fact) in enumerate(facts[1:]):
        gap = " " if number < len(leaf.marks) else "  "
        if cells(gap + fact) > room:
            yield line
            line, room, gap = [], width - 2, ""
        line.append((f"not dim {style}" if style != "not dim" else style, gap + fact))
        room -= cells(gap + fact)
    yield line


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
