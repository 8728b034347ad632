"""The order of a session's rows after the lines that it lacks were put in, and their times."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hermes_repair.transcripts.matching import Sides, best_epoch, damaged_places, previous_turns
from hermes_repair.transcripts.sequence import USER, is_genuine
from hermes_repair.transcripts.times import Clock, spread
from hermes_repair.transcripts.verdicts import Fill, Step


def make_fill(
    sides: Sides,
    clock: Clock,
    matched: dict[int, int],
    inserted: Sequence[int],
    first_later: int,
    fallback: float,
) -> Fill:
    """Weave ``inserted`` lines between the existing rows.

    ``matched`` is line → row in ascending order on both sides; ``first_later`` counts the rows of
    ``sides.rows`` that come before the later turns. Existing rows keep their order among each
    other. A row that the file lacks stands, between its matched neighbours, in the damaged place
    that held it, else after the lines that are not later than it. ``fallback`` (epoch) is used
    where no line and no row has a time.
    """
    order = _woven(sides, clock, matched, inserted, first_later)
    kept = next((index for index, (_, line) in enumerate(order) if line is not None), len(order))
    times = _timed(sides, clock, order, fallback)
    guessed = any(
        not sides.file.is_aware(line) and wall is not None and not clock.is_proven(wall)
        for line in inserted
        for wall in (sides.file.time(line),)
    )
    steps = tuple(
        Step(None if row is None else sides.table.ids[row], line, time)
        for (row, line), time in zip(order, times, strict=True)
    )
    return Fill(steps, kept, guessed)


def _woven(
    sides: Sides,
    clock: Clock,
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
    turns = previous_turns(sides.file)
    asked = False  # whether the rows themselves have the question of the answers that come
    for number, row in enumerate(sides.rows):
        line = line_of.get(row, damaged.get(row))
        asked = line is None and (asked or bool(sides.table.flags[row] & USER))
        bound = next_match[number] if line is None else line
        stamped = sides.table.times[row]
        while position < len(lines) and lines[position] < bound:
            if line is None and number < first_later:
                time = best_epoch(sides.file, clock, lines[position])
                if time is None or math.isnan(stamped):
                    break
                opens = not asked and _opens(sides, clock, turns, lines[position], row)
                if time > stamped and not opens:
                    break
            order.append((None, lines[position]))
            position += 1
        order.append((row, None))
    order += [(None, line) for line in lines[position:]]
    return order


def _opens(sides: Sides, clock: Clock, turns: Sequence[int], line: int, row: int) -> bool:
    """Whether a line is a person's and an answer's row was stamped in the turn that it opens.

    A line has the time at which its turn ended, so the row is earlier than its question's line.
    """
    answer = sides.table.flags[row]
    if not sides.file.flags[line] & USER or answer & USER or not is_genuine(answer):
        return False
    before = best_epoch(sides.file, clock, turns[line]) if turns[line] >= 0 else None
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
    clock: Clock,
    order: Sequence[tuple[int | None, int | None]],
    fallback: float,
) -> list[float | None]:
    """Return the times of the new rows, ``None`` for existing ones."""
    upper = _next_times(sides, order)
    times: list[float | None] = [None] * len(order)
    lower = -math.inf
    index = 0
    while index < len(order):
        row, line = order[index]
        if line is None:
            stamped = sides.table.times[row] if row is not None else math.nan
            lower = max(lower, stamped) if not math.isnan(stamped) else lower
            index += 1
            continue
        stop = index
        wanted: list[float | None] = []
        while stop < len(order) and (here := order[stop][1]) is not None:
            wanted.append(best_epoch(sides.file, clock, here))
            stop += 1
        if all(time is None for time in wanted) and not math.isfinite(lower):
            lower = min(fallback, upper[index])
        given = spread(wanted, lower, max(lower, upper[index]))
        times[index:stop] = given
        lower = given[-1]
        index = stop
    return times


def _next_times(sides: Sides, order: Sequence[tuple[int | None, int | None]]) -> list[float]:
    """Return for each place the earliest time of the existing rows from there on."""
    bounds = [math.inf] * len(order)
    bound = math.inf
    for index in range(len(order) - 1, -1, -1):
        row = order[index][0]
        if row is not None and not math.isnan(sides.table.times[row]):
            bound = min(bound, sides.table.times[row])
        bounds[index] = bound
    return bounds
