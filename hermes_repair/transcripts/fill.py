"""The order of a session's rows after the lines that it lacks were put in, and their times."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hermes_repair.transcripts.clock import SLACK, spread
from hermes_repair.transcripts.matching import Sides, damaged_places
from hermes_repair.transcripts.sequences import USER, is_genuine
from hermes_repair.transcripts.verdicts import Fill, Step


def make_fill(
    sides: Sides,
    matched: dict[int, int],
    inserted: Sequence[int],
    first_later: int,
    fallback: float,
) -> Fill:
    """Put ``inserted`` lines between the existing rows.

    ``matched`` is line → row in ascending order on both sides; ``first_later`` counts the rows of
    ``sides.rows`` that come before the later turns. Existing rows keep their order among each
    other. A row that the file lacks stands, between its matched neighbours, in the damaged place
    that held it, else after the lines that are not later than it. ``fallback`` (epoch) is used
    where no line and no row has a time.
    """
    order = _ordered(sides, matched, inserted, first_later)
    kept = next((index for index, (_, line) in enumerate(order) if line is not None), len(order))
    times = _timed(sides, order, fallback)
    guessed = any(
        not sides.file.is_aware(line) and wall is not None and not sides.clock.is_proven(wall)
        for line in inserted
        for wall in (sides.file.time(line),)
    )
    steps = tuple(
        Step(None if row is None else sides.table.ids[row], line, time)
        for (row, line), time in zip(order, times, strict=True)
    )
    in_file = frozenset(sides.table.ids[row] for row in matched.values())
    return Fill(steps, kept, guessed, in_file)


def _ordered(
    sides: Sides,
    matched: dict[int, int],
    inserted: Sequence[int],
    first_later: int,
) -> list[tuple[int | None, int | None]]:
    """Return (row, None) and (None, line) in the final order."""
    line_of = {row: line for line, row in matched.items()}
    later = set(sides.rows[first_later:])
    earlier = [row for row in sides.spoken if row not in later]
    damaged = damaged_places(sides, matched, earlier) or {}
    lines = sorted(inserted)
    order: list[tuple[int | None, int | None]] = []
    position = 0
    next_match = _next_matches(sides, line_of)
    asked = False  # whether the rows themselves have the question of the answers that come
    reached = -math.inf
    for number, row in enumerate(sides.rows):
        line = line_of.get(row, damaged.get(row))
        asked = line is None and (asked or bool(sides.table.flags[row] & USER))
        bound = next_match[number] if line is None else line
        stamped = sides.table.times[row]
        while position < len(lines) and lines[position] < bound:
            if line is None and number < first_later:
                time = sides.best_epoch(lines[position], reached)
                if time is None or math.isnan(stamped):
                    break
                opens = not asked and _opens(sides, lines[position], row)
                if time > stamped and not opens:
                    break
            order.append((None, lines[position]))
            position += 1
        order.append((row, None))
        reached = reached if math.isnan(stamped) else stamped
    order += [(None, line) for line in lines[position:]]
    return order


def _opens(sides: Sides, line: int, row: int) -> bool:
    """Whether a line is a person's and an answer's row was stamped in the turn that it opens.

    A line has the time at which its turn ended, so the row is earlier than its question's line.
    """
    answer = sides.table.flags[row]
    if not sides.file.flags[line] & USER or answer & USER or not is_genuine(answer):
        return False
    turn = sides.previous_turns[line]
    before = sides.best_epoch(turn) if turn >= 0 else None
    return before is None or before < sides.table.times[row]


def _next_matches(sides: Sides, line_of: dict[int, int]) -> list[int]:
    """Return for each of ``sides.rows`` the line of the next row that has one."""
    bounds = [len(sides.file)] * len(sides.rows)
    bound = len(sides.file)
    for number in range(len(sides.rows) - 1, -1, -1):
        bound = line_of.get(sides.rows[number], bound)
        bounds[number] = bound
    return bounds


def _timed(
    sides: Sides,
    order: Sequence[tuple[int | None, int | None]],
    fallback: float,
) -> list[float | None]:
    """Return the times of the new rows, ``None`` for existing ones.

    They lie between all rows before and all rows after them. Where the clock was set back there is
    no such place: then between the two rows beside them, and where it was set back just there, at
    the times of their lines, as Hermes would have stored them.
    """
    earliest, following = _next_times(sides, order)
    times: list[float | None] = [None] * len(order)
    latest = reached = -math.inf
    index = 0
    while index < len(order):
        row, line = order[index]
        if line is None:
            stamped = sides.table.times[row] if row is not None else math.nan
            if not math.isnan(stamped):
                latest, reached = max(latest, stamped), stamped
            index += 1
            continue
        stop = index
        while stop < len(order) and order[stop][1] is not None:
            stop += 1
        lower, upper = latest, earliest[index]
        if lower > upper + SLACK:
            lower, upper = reached, following[index]
        by_clock = _wanted(sides, [here for _, here in order[index:stop]], lower)
        if all(time is None for time in by_clock) and not math.isfinite(lower):
            lower = min(fallback, upper)
        if lower > upper + SLACK and None not in by_clock:
            given = by_clock
        else:
            given = [*spread(by_clock, lower, max(lower, upper))]
        times[index:stop] = given
        reached = given[-1] or reached
        latest = max(latest, reached)
        index = stop
    return times


def _wanted(sides: Sides, lines: Sequence[int | None], reached: float) -> list[float | None]:
    """Return the times of lines that follow each other, and what was ``reached`` before them."""
    times = []
    for line in lines:
        time = None if line is None else sides.best_epoch(line, reached)
        times.append(time)
        reached = reached if time is None else time
    return times


def _next_times(
    sides: Sides, order: Sequence[tuple[int | None, int | None]]
) -> tuple[list[float], list[float]]:
    """Return for each place the earliest time, and the first, of the existing rows from there."""
    earliest, following = [math.inf] * len(order), [math.inf] * len(order)
    bound = first = math.inf
    for index in range(len(order) - 1, -1, -1):
        row = order[index][0]
        if row is not None and not math.isnan(sides.table.times[row]):
            first = sides.table.times[row]
            bound = min(bound, first)
        earliest[index], following[index] = bound, first
    return earliest, following
