"""Where things stand in the drawings of a page: strips, bars, lanes. Pure; shares are 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from hermes_repair.evidence.chat_timelines import Day
from hermes_repair.evidence.message_places import Stretch
from hermes_repair.lineage.family_tree import Leaf
from hermes_repair.lineage.graph import EdgeKind

NARROWEST = 0.008
"""The least share of a strip that is still seen."""
MOST_PIECES = 120
MOST_BINS = 92
MOST_LANES = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a lane: where it begins, how wide it is, and whether its messages are there."""

    at: float
    wide: float
    messages: int
    there: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """The messages of a chat from the first to the last, as lanes under one another.

    A lane of ``file`` or ``copies`` is empty where none has anything of the chat.
    """

    database: tuple[Piece, ...]
    file: tuple[Piece, ...]
    copies: tuple[Piece, ...] = ()


def strip(stretches: Sequence[Stretch]) -> Strip:
    """Return the strip of a chat, in which nothing is too narrow to be seen.

    Of more stretches than can be seen, neighbours are taken together; what lacks a message lacks.
    """
    together = list(_joined(stretches))
    whole = sum(part.messages for part in together) or 1
    shares = [max(part.messages / whole, NARROWEST) for part in together]
    total = sum(shares)
    drawn = [(part, share / total) for part, share in zip(together, shares, strict=True)]
    return Strip(
        tuple(_lane((part.database, part.messages, wide) for part, wide in drawn)),
        tuple(_lane((bool(part.file), part.messages, wide) for part, wide in drawn)),
        tuple(_lane((bool(part.copies), part.messages, wide) for part, wide in drawn))
        if any(part.copies for part in stretches)
        else (),
    )


def _lane(parts: Iterable[tuple[bool, int, float]]) -> Iterator[Piece]:
    """Yield a lane; neighbours that are alike are one piece."""
    at = 0.0
    for there, group in groupby(parts, key=lambda part: part[0]):
        own = list(group)
        wide = sum(part[2] for part in own)
        yield Piece(at, wide, sum(part[1] for part in own), there)
        at += wide


def _joined(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    size = -(-len(stretches) // MOST_PIECES)
    for start in range(0, len(stretches), max(1, size)):
        group = stretches[start : start + size]
        if len(group) == 1:
            yield group[0]
            continue
        yield Stretch(
            sum(part.messages for part in group),
            all(part.database for part in group),
            all(part.file for part in group),
            copies=all(part.copies for part in group),
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """What a span of days has: heights as shares of the highest bar, and its numbers."""

    at: float
    wide: float
    stored_high: float
    missing_high: float
    first: date
    last: date
    stored: int
    missing: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over all days from the first to the last, and where which day is written."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, date], ...]
    highest: int
    days_per_bar: int


def chart(days: Sequence[Day]) -> Chart | None:
    """Return the bars of these days, several days to a bar where there are many; None of none."""
    if not days:
        return None
    first, last = days[0].day, days[-1].day
    span = (last - first).days + 1
    per_bar = next((size for size in (1, 7, 28) if span <= size * MOST_BINS), -(-span // MOST_BINS))
    number = -(-span // per_bar)
    stored, missing = [0] * number, [0] * number
    for day in days:
        place = (day.day - first).days // per_bar
        stored[place] += day.stored
        missing[place] += day.missing
    highest = max(map(sum, zip(stored, missing, strict=True)))
    bars = tuple(
        Bar(
            at=place / number,
            wide=1 / number,
            stored_high=stored[place] / highest,
            missing_high=missing[place] / highest,
            first=first + timedelta(days=place * per_bar),
            last=min(last, first + timedelta(days=(place + 1) * per_bar - 1)),
            stored=stored[place],
            missing=missing[place],
        )
        for place in range(number)
        if stored[place] or missing[place]
    )
    steps = min(4, number - 1)
    places = [round(step * (number - 1) / steps) for step in range(steps + 1)] if steps else [0]
    ticks = tuple((_tick(p, number), first + timedelta(days=p * per_bar)) for p in places)
    return Chart(bars, ticks, highest, per_bar)


def _tick(place: int, number: int) -> float:
    """Return where the day of a bar is written: at the edge of the first and of the last one."""
    if place == 0:
        return 0.0
    return 1.0 if place == number - 1 else (place + 0.5) / number


@dataclass(frozen=True, slots=True)
class Row:
    """One session of a lineage as it is drawn: a dot in a lane, and the lines around it.

    ``enters`` is the lane that a line comes from, None for the first of a family; ``kind`` says
    what that line stands for. ``passing`` are lanes whose line goes by, each with what it stands
    for. ``goes_on``: its own line goes on below. ``lanes`` is how many the family needs.
    """

    leaf: Leaf
    lane: int
    enters: int | None
    kind: str
    passing: tuple[tuple[int, str], ...]
    goes_on: str


_STRAIGHT = (EdgeKind.CONTINUATION, EdgeKind.REVIEW)


def rows(leaves: Sequence[Leaf], other_halves: Mapping[str, str]) -> list[Row]:
    """Return a family as rows: what continues a session goes straight on, all else turns off.

    ``leaves`` stand each after its parent. Of a fork the half that is shown goes straight on.
    """
    children: dict[str, list[Leaf]] = {}
    for leaf in leaves[1:]:
        children.setdefault(leaf.node.parent_id or "", []).append(leaf)
    drawn: list[tuple[Leaf, int, int | None]] = []
    below: dict[str, tuple[Leaf, ...]] = {}
    stack: list[tuple[Leaf, int, int | None]] = [(leaves[0], 0, None)]
    while stack:
        leaf, lane, parent = stack.pop()
        place = len(drawn)
        drawn.append((leaf, lane, parent))
        own = _in_order(children.pop(leaf.node.id, []), other_halves)
        below[leaf.node.id] = tuple(own)
        straight = own[-1] if own and own[-1].kind in _STRAIGHT else None
        for child in reversed(own):
            turned = lane if child is straight else min(lane + 1, MOST_LANES - 1)
            stack.append((child, turned, place))
    return list(_with_lines(drawn, below))


def _in_order(children: Iterable[Leaf], other_halves: Mapping[str, str]) -> list[Leaf]:
    """Return children as they are drawn: what goes straight on comes last."""

    def straightness(leaf: Leaf) -> int:
        if leaf.kind not in _STRAIGHT:
            return 0
        return 1 if leaf.node.id in other_halves or leaf.kind is EdgeKind.REVIEW else 2

    return sorted(children, key=straightness)


def _with_lines(
    drawn: Sequence[tuple[Leaf, int, int | None]], below: Mapping[str, tuple[Leaf, ...]]
) -> Iterator[Row]:
    kinds = {leaf.node.id: _kind(leaf) for leaf, _, _ in drawn}
    last_child: dict[int, int] = {}
    for place, (_, _, parent) in enumerate(drawn):
        if parent is not None:
            last_child[parent] = place
    open_lines: list[tuple[int, int, str]] = []  # lane, the row where it ends, its kind
    for place, (leaf, lane, parent) in enumerate(drawn):
        open_lines = [line for line in open_lines if line[1] > place]
        passing = {lane_by: kind for lane_by, _, kind in open_lines}
        enters = drawn[parent][1] if parent is not None else None
        own = below[leaf.node.id]
        goes_on = kinds[own[-1].node.id] if own else ""
        yield Row(leaf, lane, enters, kinds[leaf.node.id], tuple(passing.items()), goes_on)
        if own:
            open_lines.append((lane, last_child[place], goes_on))


def _kind(leaf: Leaf) -> str:
    return leaf.kind.value if leaf.kind is not None else ""
