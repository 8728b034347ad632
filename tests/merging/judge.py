"""Holds a merge against the truth of both sides: what came back, stayed behind or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.release_rules import is_unmarked
from hermes_repair.merging.verdicts_of_chats import Comparison, Link, Reason, Verdict
from tests.histories.release_side.truth import DELETED, UNDONE
from tests.merging.play import MARKS_OF_SOURCE, Played, Shown


@dataclass
class Judgement:
    """What is wrong with one merge, each as marks or lines, and what was asked.

    ``changed``: lines that show what they should not. ``again``: what a second merge would bring.
    ``listed`` counts what was here and is listed. ``named`` is what is wrong once one of these, or
    what is asked for, is named, by the session.
    """

    brought_back: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    asked: list[Reason] = field(default_factory=list)
    listed: int = 0
    named: dict[str, Judgement] = field(default_factory=dict)

    @property
    def wrong(self) -> bool:
        """Whether any rule is broken."""
        kinds = (self.brought_back, self.left_behind, self.twice, self.changed, self.again)
        return any(kinds) or bool(self.named)


def judge(home: Played, source: Played, found: Comparison, shown: Shown, rows: Shown) -> Judgement:
    """Judge the merge of a source into a home; ``shown`` and ``rows`` are what came of it."""
    answer = Judgement()
    asked = {name for name, one in found.verdicts.items() if one.verdict is Verdict.ASK}
    answer.asked = [found.verdicts[name].reason or Reason.UNPROVEN_ROWS for name in sorted(asked)]
    answer.listed = sum(one.verdict is Verdict.REMOVED_OR_LOST for one in found.verdicts.values())
    before, after = _marks(home.shown), _marks(shown)
    taken = _taken(home.truth) - set(before)
    answer.brought_back = sorted(taken & set(after))
    words = [_words(line) for line in shown.values()]
    stored = [_words(line) for line in rows.values()]
    here = {one[0] for line in rows.values() for one in line}
    # Two compactions may say the same of the same messages.
    here |= {
        one[0] for line in source.shown.values() if _begins(_words(line), words) for one in line
    }
    for session, line in source.rows.items():
        lost = [one[0] for one in line if _of_source(one[0]) and one[0] not in here]
        if lost and session not in asked and not _begins(_words(line), stored):
            answer.left_behind += [f"{session}: {mark}" for mark in lost]
    for name, line in source.shown.items():
        said = _words(line)
        if name not in asked and said and not _hidden(name, found, asked):
            fresh = [one[0] for one in line if one[0] and _of_source(one[0])]
            if fresh and not _begins(said, words) and not _begins(said, stored):
                answer.left_behind.append(f"{name} is not shown as it was")
    answer.twice = _twice(source.shown, shown)
    # In place of these the home opens a child of its own; what the source said stands beside it.
    ours = found.home.sessions.values()
    opened = {node.parent_id for node in ours if found.home.marks_runs and is_unmarked(node)}
    begun = [one.at_home for one in found.brings if one.at_home in opened and one.at_home]
    answer.changed = _changed(home.shown, source.shown, shown, found, begun)
    return answer


def judge_named(
    home: Played, source: Played, named: Collection[str], found: Comparison, shown: Shown
) -> Judgement:
    """Judge the merge of sessions that were named; ``found`` is what is brought of them."""
    answer = Judgement()
    graph = Graph.build(found.source.sessions.values())
    chats = {graph.beginning(name) for name in named}
    words = [_words(line) for line in shown.values()]
    for name, line in source.shown.items():
        if line and graph.beginning(name) in chats and not _begins(_words(line), words):
            answer.left_behind.append(f"{name} is not shown as it was")
    # A session that no list of the source shows (a branch of 0.14.0) was named by its id: what it,
    # or what continues it, holds is shown now.
    hidden = {
        one.session_id: source.rows[one.session_id]
        for one in found.brings
        if one.session_id in source.rows.keys() - source.shown.keys()
        and graph.chain(one.session_id) == (one.session_id,)
    }
    answer.twice = _twice({**hidden, **source.shown}, shown)
    begun = [
        name
        for name, line in source.shown.items()
        if any(line == other[: len(line)] for key, other in source.shown.items() if key != name)
    ]
    for one in found.brings:
        node = graph.nodes[one.session_id]
        begun += filter(None, (node.parent_id, node.branched_from))
        if one.bring is not None and one.bring.link is Link.BRANCH:
            # Its owner wants both, also where one side cut it down to what the other begins with.
            begun += filter(None, (one.bring.into, one.at_home))
    answer.changed = _changed(home.shown, {**hidden, **source.shown}, shown, found, begun)
    return answer


def _twice(source: Shown, after: Shown) -> list[str]:
    """Return the marks of what the source said that more lines show now than there."""
    there, now = _marks(source), _marks(after)
    return [mark for mark, times in now.items() if _of_source(mark) and times > there[mark]]


def _hidden(name: str, found: Comparison, asked: set[str]) -> bool:
    """Whether what a line of the source shows hangs on a chat that is asked for."""
    return any(one in asked for one in _below(name, found))


def _below(name: str, found: Comparison) -> list[str]:
    nodes = found.source.sessions
    below = [name]
    for current in below:
        below += [id for id, n in nodes.items() if n.parent_id == current and id not in below]
    return below


def _changed(
    home: Shown, source: Shown, after: Shown, found: Comparison, begun: Collection[str] = ()
) -> list[str]:
    """Return what the result shows and should not, by lines.

    ``begun`` are lines with which a branch of them began in the source, and may begin here.
    """
    wrong = []
    inputs = [_words(line) for line in (*home.values(), *source.values())]
    brings = [(one, one.bring) for one in found.brings if one.bring is not None]
    went_on = {one.at_home for one, bring in brings if not bring.new_session}
    for name, line in home.items():
        ours = _words(line)
        now = [_words(other) for key, other in after.items() if key == name]
        if now and now[0][: len(ours)] == ours:
            continue
        tip = any(_words(other)[: len(ours)] == ours for other in after.values())
        if name in went_on or any(one in went_on for one in _of_line(name, found)):
            continue
        wrong.append(f"the home's {name} is {'moved' if tip else 'changed'}")
    for name, line in after.items():
        if _words(line) not in inputs:
            wrong.append(f"{name} shows what no input showed")
    free = [after[name] for name in after if name in went_on or name in begun]
    wrong += _doubles(home, source, after, free)
    return wrong


def _of_line(name: str, found: Comparison) -> list[str]:
    """Return the home's sessions above a line, which is named by the tip."""
    names = [name]
    nodes = found.home.sessions
    while names[-1] in nodes and (parent := nodes[names[-1]].parent_id) and parent not in names:
        names.append(parent)
    return names


def _doubles(home: Shown, source: Shown, after: Shown, free: list[list[list[str]]]) -> list[str]:
    """Return pairs of lines of which one begins the other, and no input had such.

    ``free`` are lines that went on in the source, by an undo there.
    """
    pairs = _pairs(home) + _pairs(source)
    shown = {tuple("\0".join(one) for one in _words(line)) for line in free}
    wrong = []
    for first, second in (_pairs(after) - pairs).elements():
        alike = any(one == first or two == first for one, two in pairs)
        if not alike and first not in shown:
            wrong.append(f"shown twice: {len(first)} of {len(second)} messages")
    return wrong


def _pairs(shown: Shown) -> Counter[tuple[tuple[str, ...], tuple[str, ...]]]:
    lines = [tuple("\0".join(one) for one in _words(line)) for line in shown.values()]
    return Counter(
        (one, two)
        for i, one in enumerate(lines)
        for j, two in enumerate(lines)
        if i != j and one and two[: len(one)] == one and (len(one) < len(two) or i < j)
    )


def _begins(words: list[list[str]], lines: list[list[list[str]]]) -> bool:
    """Whether one of the lines begins with these words."""
    return any(line[: len(words)] == words for line in lines)


def _words(line: list[list[str]]) -> list[list[str]]:
    return [one[1:] for one in line]


def _marks(shown: Shown) -> Counter[str]:
    """Return in how many lines each message is shown."""
    return Counter(mark for line in shown.values() for mark in {one[0] for one in line} if mark)


def _of_source(mark: str) -> bool:
    return mark[1:].isdigit() and int(mark[1:]) >= MARKS_OF_SOURCE


def _taken(truth: dict[str, dict[str, dict[str, str]]]) -> set[str]:
    """Return the marks that the owner of the home took back or deleted, wherever they were."""
    return {
        mark
        for fates in truth["fate"].values()
        for mark, fate in fates.items()
        if fate in (UNDONE, DELETED)
    }
