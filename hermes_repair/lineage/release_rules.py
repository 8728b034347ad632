"""What each release shows and resumes: its own rules, told again over a graph.

Read in and compared with the real releases 0.13.0, 0.14.0, 0.15.2, 0.16.0, 0.17.0, 0.18.0, 0.18.2
and 0.19.0 (tests/releases/test_lineage_rules.py). A session whose ``model_config`` is no valid JSON
counts as one without markers here, while releases from 0.16.0 on fail on it (SE001 comes first).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from hermes_repair.lineage.graph import Graph, started_after_end
from hermes_repair.lineage.session_node import SessionNode
from hermes_repair.schema.data_steps import STEP

TIP_STEPS = 100
RESUME_STEPS = 32


class Resume(Enum):
    """How ``resolve_resume_session_id`` redirects."""

    WHEN_EMPTY = "when-empty"  # <= 0.16: only a session without rows, to its newest child
    TIP_WHEN_EMPTY = "tip-when-empty"  # 0.17: the tip first, then the same
    DEEPEST = "deepest"  # >= 0.18: the tip first, then the deepest unmarked child with rows


@dataclass(frozen=True, slots=True)
class Rules:
    """What one release looks at.

    ``timed``: a continuation must start at or after its parent's end. ``branch_marker``,
    ``archived``, ``delegate_marker``: what the picker asks beside the parent.
    """

    timed: bool
    branch_marker: bool
    archived: bool
    delegate_marker: bool
    resume: Resume


_UNTIL_0_15 = Rules(True, False, False, False, Resume.WHEN_EMPTY)
_SINCE_0_18 = Rules(False, True, True, True, Resume.DEEPEST)
RULES: Mapping[str, Rules] = {
    "0.13.0": _UNTIL_0_15,
    "0.14.0": _UNTIL_0_15,
    "0.15.2": _UNTIL_0_15,
    "0.16.0": Rules(True, True, True, False, Resume.WHEN_EMPTY),
    "0.17.0": Rules(True, True, True, True, Resume.TIP_WHEN_EMPTY),
    "0.18.0": _SINCE_0_18,
    "0.18.2": _SINCE_0_18,
    "0.19.0": _SINCE_0_18,
}
"""The releases that were compared, oldest first."""


_KINDS = tuple({rules.resume: rules for rules in RULES.values()}.values())
"""One of each kind that :func:`compression_tip` and :func:`resume_target` tell apart."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a release's list: the session that it stands for and the one that it shows."""

    root: str
    shown: str


def compression_tip(
    graph: Graph, session_id: str, rules: Rules, *, without: Collection[str] = ()
) -> str:
    """Return what ``get_compression_tip`` of a release with these rules returns.

    ``without`` are children that it would not ask.
    """
    current = session_id
    seen = {current}
    for _ in range(TIP_STEPS):
        parent = graph.nodes.get(current)
        if parent is None or parent.end_reason != "compression":
            return current
        children = [child for child in graph.child_nodes(current) if child.id not in without]
        if rules.timed:
            best = _newest(child for child in children if started_after_end(child, parent))
        else:
            best = max(
                (child for child in children if is_unmarked(child)), key=_activity, default=None
            )
            if best is not None and best.id in seen:
                return current
        if best is None:
            return current
        seen.add(best.id)
        current = best.id
    return current


def newly_shown(graph: Graph, branches: Collection[str], schema: int, *, cut: bool) -> set[str]:
    """Return what some release shows or resumes for these, or for what is above them, only once
    they are branches.

    From 0.18.0 on an unmarked child of a chat that compression closed is shown in its place,
    whenever it began: another one, once this one is a branch. ``cut`` is whether the branches lose
    their parents; releases up to 0.17 ask for nothing else. What is resumed counts from schema
    16 on: the step to it marks every unmarked child as a delegate's run, which nothing resumes.
    """
    above = {ancestor for branch in branches for ancestor in graph.ancestors(branch)}
    shown = set()
    for rules in _KINDS:
        hidden = branches if cut or not rules.timed else ()
        shown |= {compression_tip(graph, branch, rules) for branch in branches}
        for leads in (compression_tip, resume_target) if schema >= STEP else (compression_tip,):
            before = {leads(graph, name, rules) for name in above}
            shown |= {leads(graph, name, rules, without=hidden) for name in above} - before
    return shown - above


def resume_target(
    graph: Graph, session_id: str, rules: Rules, *, without: Collection[str] = ()
) -> str:
    """Return what ``resolve_resume_session_id`` of a release with these rules returns.

    ``without`` are children that it would not ask.
    """
    if rules.resume is Resume.WHEN_EMPTY:
        return _first_with_rows(graph, session_id, without)
    tip = compression_tip(graph, session_id, rules, without=without)
    if rules.resume is Resume.TIP_WHEN_EMPTY:
        return _first_with_rows(graph, tip, without)
    current = tip
    seen = {current}
    best: str | None = None
    for _ in range(RESUME_STEPS):
        if _has_rows(graph, current):
            best = current
        child = max(
            (
                node
                for node in graph.child_nodes(current)
                if is_unmarked(node) and node.id not in without
            ),
            key=_newest_key,
            default=None,
        )
        if child is None or child.id in seen:
            break
        seen.add(child.id)
        current = child.id
    return best if best is not None else tip


def picker(graph: Graph, rules: Rules) -> tuple[Listed, ...]:
    """Return the lines of ``list_sessions_rich`` with its defaults, newest root first."""
    lines = []
    for node in sorted(graph.nodes.values(), key=_start, reverse=True):
        if not _listed(graph, node, rules):
            continue
        shown = node.id
        if node.end_reason == "compression":
            shown = compression_tip(graph, node.id, rules)
        lines.append(Listed(node.id, shown))
    return tuple(lines)


def _listed(graph: Graph, node: SessionNode, rules: Rules) -> bool:
    if rules.archived and node.archived != 0:
        return False
    if rules.delegate_marker and node.delegate_from is not None:
        return False
    if node.parent_id is None or (rules.branch_marker and node.branched_from is not None):
        return True
    parent = graph.nodes.get(node.parent_id)
    return (
        parent is not None and parent.end_reason == "branched" and started_after_end(node, parent)
    )


def is_unmarked(node: SessionNode) -> bool:
    """Whether a session has no mark by which 0.18.0 and later pass it over below a parent."""
    return node.branched_from is None and node.delegate_from is None and node.source != "tool"


def _has_rows(graph: Graph, session_id: str) -> bool:
    node = graph.nodes.get(session_id)
    return node is not None and node.rows > 0


def _first_with_rows(graph: Graph, session_id: str, without: Collection[str]) -> str:
    current = session_id
    seen = {current}
    for step in range(RESUME_STEPS + 1):
        if _has_rows(graph, current):
            return current
        children = (node for node in graph.child_nodes(current) if node.id not in without)
        child = max(children, key=_newest_key, default=None)
        if child is None or child.id in seen or step == RESUME_STEPS:
            break
        seen.add(child.id)
        current = child.id
    return session_id


def _newest(children: Iterable[SessionNode]) -> SessionNode | None:
    """Return the last started; of equals the first by row, as SQLite's LIMIT 1 sort keeps it."""
    return max(children, key=_start, default=None)


def _start(node: SessionNode) -> float:
    return float("-inf") if node.started_at is None else node.started_at


def _newest_key(node: SessionNode) -> tuple[float, str]:
    return _start(node), node.id


def _activity(node: SessionNode) -> tuple[int, float, float, str]:
    rank = 2 if node.end_reason == "compression" else int(node.ended_at is None)
    last = node.last_message_at if node.last_message_at is not None else _start(node)
    return rank, last, _start(node), node.id
