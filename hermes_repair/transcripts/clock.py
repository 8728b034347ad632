"""From the naive local times of transcript lines to epoch seconds, with the evidence for the zone.

JSONL lines carry ``datetime.now().isoformat()`` of the machine that ran the gateway, without its
zone, one value for a whole turn, taken when the turn had ended (0.13.0, 0.14.0). A *wall time* here
is such a time counted as if it were UTC, in seconds; ``wall - offset`` is the epoch. Yuanbao lines
are aware (``+00:00``) and need no zone.

The offset is proven by rows that hold the same message and were stamped when it was stored
(*twins*), at least three of one home that agree, or by a zone that the user names. The zone of the
machine that we run on proves nothing; it is the last resort when times have to be filled in.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

QUARTER = 900.0
"""Zone offsets are multiples of 15 minutes."""
TWINS_NEEDED = 3
SLACK = 5.0
"""Seconds by which clocks of the same turn may disagree."""
MAX_EPOCH = 1e11
"""Beyond this a number is not a time in seconds (it would be the year 5138)."""
_DAY = 86400.0
_REACH = 30 * _DAY  # how far beyond its twins an offset still counts as that DST period's
_GAP = 120 * _DAY  # no zone fits a whole period of other time between two twins this close
_EAST, _WEST = 14 * 3600.0, -12 * 3600.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)


def parse_time(value: object) -> tuple[float, bool] | None:
    """Return (seconds, aware) of a line's ``timestamp``, ``None`` where it has no usable one.

    Seconds are epoch where aware (an offset in the text, or a plain number), else a wall time.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return (moment - _NAIVE_EPOCH).total_seconds(), False
        try:
            return (moment - _EPOCH).total_seconds(), True
        except OverflowError:
            return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (float(value), True) if 0 < value < MAX_EPOCH else None
    return None


class Twin(NamedTuple):
    """One turn that is in both sources: its line's wall time and its last row's epoch time."""

    wall: float
    epoch: float


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of wall time over which ``twins`` of a home agree on ``offset`` (seconds east)."""

    offset: float
    first: float
    last: float
    twins: int


def trusted_twins(turns: Sequence[Twin]) -> list[Twin]:
    """Return the turns of one session whose rows were stamped turn by turn.

    A rewrite (0.15/0.16 /undo, /retry, /compress) stamps all rows within moments, so a turn counts
    only where the distance to a neighbouring turn is about the same in both sources. ``turns`` are
    in file order.
    """
    agrees = [
        abs((after.wall - before.wall) - (after.epoch - before.epoch))
        <= SLACK + 0.2 * abs(after.wall - before.wall)
        for before, after in pairwise(turns)
    ]
    return [
        turn
        for index, turn in enumerate(turns)
        if (index > 0 and agrees[index - 1]) or (index < len(agrees) and agrees[index])
    ]


def find_periods(twins: Iterable[Twin]) -> tuple[Period, ...]:
    """Return the periods of equal offset that the twins of one home prove, by wall time.

    ``twins`` are trusted ones of all its sessions. The offset of a twin is rounded to 15 minutes;
    a lone twin that disagrees with the two on both sides of it (a row that was rewritten, a clock
    that jumped) is left out.
    """
    votes = sorted(
        (twin.wall, QUARTER * math.floor((twin.wall - twin.epoch + QUARTER / 2) / QUARTER))
        for twin in twins
        if _WEST - QUARTER <= twin.wall - twin.epoch <= _EAST + QUARTER
    )
    kept = [
        vote
        for index, vote in enumerate(votes)
        if not 0 < index < len(votes) - 1
        or vote[1] in (votes[index - 1][1], votes[index + 1][1])
        or votes[index - 1][1] != votes[index + 1][1]
    ]
    periods: list[Period] = []
    for wall, offset in kept:
        last = periods[-1] if periods else None
        if last and last.offset == offset and wall - last.last <= _GAP:
            periods[-1] = Period(offset, last.first, wall, last.twins + 1)
        else:
            periods.append(Period(offset, wall, wall, 1))
    sure = [period for period in periods if period.twins >= TWINS_NEEDED]
    return _with_doubled_hours(sure, votes)


def _with_doubled_hours(
    periods: list[Period], votes: Sequence[tuple[float, float]]
) -> tuple[Period, ...]:
    """Return the periods, each with the wall times that it may share with the next one.

    Where the offset falls by an hour the clock goes through an hour twice. That hour ends after all
    twins of the one period and begins before all twins of the other. ``votes`` are (wall, offset)
    of all twins, those that disagree with their neighbours too: there they alternate.
    """
    for place, (before, after) in enumerate(pairwise(periods)):
        fall = before.offset - after.offset
        if fall <= 0 or after.first - before.last > _DAY:
            continue
        begins = min(
            wall
            for wall, offset in votes
            if offset == after.offset and before.last - fall <= wall <= after.first
        )
        ends = max(
            wall
            for wall, offset in votes
            if offset == before.offset and before.last <= wall <= begins + fall
        )
        periods[place] = replace(periods[place], last=max(ends, begins + fall))
        periods[place + 1] = replace(after, first=min(begins, ends - fall))
    return tuple(periods)


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns wall times into epoch seconds.

    ``periods`` are what the home proves, ``named`` is the zone that the user gave, ``machine`` the
    zone of the machine that we run on (only ever a guess).
    """

    machine: tzinfo
    periods: tuple[Period, ...] = ()
    named: tzinfo | None = None

    def proven_offsets(self, wall: float) -> tuple[float, ...]:
        """Return the offsets that twins or the user prove at ``wall``, none where they do not.

        There is more than one where daylight saving makes an hour twice, and between two periods.
        """
        if self.named is not None:
            return tuple(_zone_offset(self.named, wall, fold) for fold in (0, 1))
        inside = [period.offset for period in self.periods if period.first <= wall <= period.last]
        return tuple(
            inside
            or [
                period.offset
                for period in self.periods
                if period.first - _REACH <= wall <= period.last + _REACH
            ]
        )

    def proven_offset(self, wall: float) -> float | None:
        """Return the proven offset at ``wall``, else ``None``.

        Of several the largest is returned: it gives the earliest epoch, so that a row has to be
        older to count as written in its turn.
        """
        return max(self.proven_offsets(wall), default=None)

    def is_proven(self, wall: float) -> bool:
        """Whether the offset at ``wall`` is more than a guess."""
        return self.proven_offset(wall) is not None

    def epoch(self, wall: float, after: float = -math.inf) -> float:
        """Return the best epoch for ``wall``: proven, else by the machine's zone.

        ``after`` is the epoch of what comes before it. In an hour that the clock goes through
        twice, and between two periods, the earliest epoch that is not before that is taken; the
        latest one where none is.
        """
        offsets = self.proven_offsets(wall) or tuple(
            _zone_offset(self.machine, wall, fold) for fold in (0, 1)
        )
        epochs = sorted(wall - offset for offset in offsets)
        return next((epoch for epoch in epochs if epoch >= after - SLACK), epochs[-1])

    def earliest(self, wall: float) -> float:
        """Return the earliest epoch that ``wall`` can be."""
        return wall - max(self.proven_offsets(wall), default=_EAST)

    def latest(self, wall: float) -> float:
        """Return the latest epoch that ``wall`` can be."""
        return wall - min(self.proven_offsets(wall), default=_WEST)


def _zone_offset(zone: tzinfo, wall: float, fold: int) -> float:
    """Return the offset (seconds east) of ``zone`` at a wall time; 0 far outside the calendar."""
    try:
        local = (_EPOCH + timedelta(seconds=wall)).replace(tzinfo=zone, fold=fold)
        offset = local.utcoffset()
    except OverflowError:
        return 0.0
    return offset.total_seconds() if offset is not None else 0.0


def spread(times: Sequence[float | None], lower: float, upper: float) -> list[float]:
    """Return epoch times for new rows that stand, in this order, between two rows.

    ``times`` are what the lines say (``None``: nothing); ``lower`` and ``upper`` the times of the
    rows before and after (infinite where there is none). Each time is at least the one before it,
    one microsecond later where there is room, and none is outside the bounds, so that the order
    by (timestamp, id) is the order by id.
    """
    filled = _without_gaps(times, lower, upper)
    result: list[float] = []
    previous = lower
    for moment in filled:
        at = min(max(moment, previous), upper)
        if at == previous and previous + 1e-6 <= upper:
            at = previous + 1e-6
        result.append(at)
        previous = at
    return result


def _without_gaps(times: Sequence[float | None], lower: float, upper: float) -> list[float]:
    """Give each time that is missing that of the line before it, else of the one after it."""
    known = [index for index, moment in enumerate(times) if moment is not None]
    filled: list[float] = []
    previous = lower if math.isfinite(lower) else None
    for index, moment in enumerate(times):
        if moment is None and previous is None:
            position = bisect_left(known, index)
            if position < len(known):
                moment = times[known[position]]
            else:
                moment = upper if math.isfinite(upper) else 0.0
            filled.append(moment if moment is not None else 0.0)
            continue
        previous = moment if moment is not None else previous
        filled.append(previous if previous is not None else 0.0)
    return filled
