"""What a merge may show, as a function of what its inputs show and what comes of it.

A database shows chats: the lines of a release's list, each with the messages that opening it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import permutations
from typing import TypeAlias

from hermes_repair.lineage.graph import Graph
from hermes_repair.lineage.release_rules import Rules, picker, resume_target
from hermes_repair.merging.sides import Key

Line: TypeAlias = tuple[Key, ...]
Shown: TypeAlias = Mapping[str, Line]
"""What each line of the list shows, by the session that stands there."""


def shown(graph: Graph, rules: Rules, rows: Callable[[str], Sequence[Key]]) -> dict[str, Line]:
    """Return what a release with these rules shows of a database.

    ``rows`` gives the keys of the active rows of a session, in the order of their ids. Chats
    without any are left out.
    """
    lines = {
        line.shown: tuple(rows(resume_target(graph, line.shown, rules)))
        for line in picker(graph, rules)
    }
    return {name: line for name, line in lines.items() if line}


def broken_rules(
    home: Shown,
    sources: Sequence[Shown],
    accepted: Collection[Line],
    result: Shown,
    went_on: Collection[str] = (),
) -> Iterator[str]:
    """Yield a sentence for each rule that a merge broke; ids only, no text.

    ``accepted`` is what the chats of the sources show that were brought, ``went_on`` the chats of
    the home that went on in a source and may show what they show there.

    1. Each chat of the home shows the same, or that with more after it.
    2. What an accepted chat shows is the beginning of one chat, and of no more than in the inputs.
    3. No chat shows what no input showed.
    4. No two chats are equal, or one the beginning of the other, unless an input had such two, or
       the first went on so in its source.
    """
    inputs = [home, *sources]
    known = {line for one in inputs for line in one.values()}
    for name, line in home.items():
        if name not in went_on and not _begins(line, result.get(name, ())):
            yield f"{name} no longer shows what it showed"
    for line in accepted:
        begun = _beginning_with(line, result)
        if not begun:
            yield f"a chat of {len(line)} messages was accepted and is not shown"
        elif begun > max(1, sum(_beginning_with(line, one) for one in inputs)):
            yield f"a chat of {len(line)} messages is shown {begun} times"
    for name, line in result.items():
        if line not in known:
            yield f"{name} shows what no input showed"
    alike = {pair for one in inputs for pair in _alike(one)}
    free = {first for pair in alike for first in pair} | {result.get(name, ()) for name in went_on}
    for first, second in _alike(result):
        if first not in free:
            more = len(second) - len(first)
            yield f"{len(first)} messages are shown twice, once with {more} more"


def _begins(line: Line, other: Line) -> bool:
    return other[: len(line)] == line


def _beginning_with(line: Line, of: Shown) -> int:
    return sum(_begins(line, other) for other in of.values())


def _alike(of: Shown) -> Iterator[tuple[Line, Line]]:
    """Yield pairs of lines of which the first is the second, or its beginning."""
    starts: dict[Key, list[Line]] = {}
    for line in of.values():
        starts.setdefault(line[0], []).append(line)
    for lines in starts.values():
        yield from (pair for pair in permutations(lines, 2) if _begins(*pair))
