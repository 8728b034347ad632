"""Which line of a file is which row of the session, and what is then missing where.

The genuine messages decide; summaries and harness text are matched inside the gaps between them, so
that a fill neither loses nor doubles them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from hermes_repair.transcripts.align import align, fit, fits_left
from hermes_repair.transcripts.clock import SLACK, Clock, Twin, trusted_twins
from hermes_repair.transcripts.message_keys import Key
from hermes_repair.transcripts.repeats import find_copies
from hermes_repair.transcripts.sequences import (
    COMPACTED,
    COMPARABLE,
    DROPPED,
    RECALLED,
    SUMMARY,
    USER,
    FileSequence,
    RowSequence,
    is_genuine,
)


@dataclass(frozen=True)
class Sides:
    """Both sides of one session, prepared: indexes into the file and into its rows.

    ``clock`` carries what the home proves about its zone. ``lines`` are the genuine messages of the
    file, ``rows`` all rows that take part, ``spoken`` the genuine ones of them; ``copies`` maps a
    line to the earlier one that it repeats.
    """

    session_id: str
    file: FileSequence
    table: RowSequence
    clock: Clock
    lines: list[int]
    rows: list[int]
    spoken: list[int]
    copies: dict[int, int]

    @cached_property
    def matched(self) -> dict[int, int] | None:
        """Line → row for the genuine messages: see :func:`match_all`."""
        return match_all(self)

    def line_keys(self, lines: Sequence[int]) -> list[Key]:
        """The keys of these lines."""
        return [self.file.keys[line] for line in lines]

    def row_keys(self, rows: Sequence[int]) -> list[Key]:
        """The keys of these rows."""
        return [self.table.keys[row] for row in rows]

    @cached_property
    def previous_turns(self) -> list[int]:
        """For each line the last line before it with another time, -1 where there is none."""
        turns: list[int] = []
        before = last = -1
        for index in range(len(self.file)):
            time = self.file.time(index)
            if time is not None:
                if last >= 0 and self.file.time(last) != time:
                    before = last
                last = index
            turns.append(before)
        return turns

    def is_twin(self, line: int, row: int) -> bool:
        """Whether a row was stamped in the turn of its line: whether it is its *time twin*.

        Later than the previous turn's line less 5 s, not later than its own line plus 5 s;
        ``False`` where the zone is not proven.
        """
        stamped, turn = self.table.times[row], self.previous_turns[line]
        upper = self.proven_epoch(line)
        if upper is None or math.isnan(stamped) or stamped > upper + SLACK:
            return False
        if turn < 0:
            return True
        lower = self.proven_epoch(turn)
        return lower is not None and stamped > lower - SLACK

    def proven_epoch(self, line: int) -> float | None:
        """Return the epoch of a line where its zone is proven, else ``None``."""
        time = self.file.time(line)
        if time is None or self.file.is_aware(line):
            return time
        offset = self.clock.proven_offset(time)
        return None if offset is None else time - offset

    def earliest_epoch(self, line: int) -> float | None:
        """Return the earliest epoch that a line can have, ``None`` where it has no time."""
        time = self.file.time(line)
        return time if time is None or self.file.is_aware(line) else self.clock.earliest(time)

    def latest_epoch(self, line: int) -> float | None:
        """Return the latest epoch that a line can have, ``None`` where it has no time."""
        time = self.file.time(line)
        return time if time is None or self.file.is_aware(line) else self.clock.latest(time)

    def best_epoch(self, line: int, after: float = -math.inf) -> float | None:
        """Return the best epoch of a line, the machine's zone if nothing else is known.

        ``after`` is the epoch of what comes before it, which tells which pass of a doubled hour it
        is.
        """
        time = self.file.time(line)
        return time if time is None or self.file.is_aware(line) else self.clock.epoch(time, after)


def prepare(session_id: str, file: FileSequence, table: RowSequence, clock: Clock) -> Sides:
    """Sort out what takes part in the comparison; ``table`` are all rows of the session by id."""
    rows = [row for row, flags in enumerate(table.flags) if not flags & DROPPED]
    compared = [table.keys[row] for row in rows if table.flags[row] & COMPARABLE]
    return Sides(
        session_id=session_id,
        file=file,
        table=table,
        clock=clock,
        lines=file.genuine(),
        rows=rows,
        spoken=[row for row in rows if is_genuine(table.flags[row])],
        copies=find_copies(file, compared),
    )


def match_all(sides: Sides) -> dict[int, int] | None:
    """Return line → row for the genuine messages of both sides, as many as keep their order.

    ``None`` where the two are too different to be aligned.
    """
    compared = [row for row in sides.rows if sides.table.flags[row] & COMPARABLE]
    for lines, rows in (
        (range(len(sides.file)), compared),
        (sides.lines, sides.spoken),
        ([line for line in sides.lines if line not in sides.copies], sides.spoken),
    ):
        places = fits_left(sides.line_keys(lines), sides.row_keys(rows))
        if places is not None:
            pairs = zip(lines, places, strict=True)
            return {
                line: rows[place] for line, place in pairs if is_genuine(sides.file.flags[line])
            }
    return match_some(sides, sides.spoken)


def match_some(sides: Sides, spoken: Sequence[int]) -> dict[int, int] | None:
    """Return line → row for as many of these rows as keep their order, ``None`` as above."""
    pairs = align(sides.line_keys(sides.lines), sides.row_keys(spoken))
    if pairs is None:
        return None
    matched = {sides.lines[left]: spoken[right] for left, right in pairs}
    return match_recalled(sides, matched, spoken)


def missing_lines(sides: Sides, matched: dict[int, int], lines: Sequence[int]) -> list[int]:
    """Return those of ``lines`` that no row holds, less copies and what its sender took back."""
    origins = {sides.copies.get(line, line) for line in matched}
    recalled, ids = sides.table.recalled, sides.file.platform_ids
    return [
        line
        for line in lines
        if line not in matched
        and line not in sides.copies
        and line not in origins
        and not (recalled and ids.get(line) in recalled)
    ]


def embed(sides: Sides, spoken: Sequence[int]) -> dict[int, int] | None:
    """Return line → row when these rows are an ordered subsequence of the file, else ``None``.

    Where equal messages leave a choice, the line that is the time twin of the row is taken. A row
    that no line matches is allowed where a damaged place of the file lies, one row for each, and
    where its text was taken back.
    """
    places = fit(
        sides.row_keys(spoken),
        sides.line_keys(sides.lines),
        lambda row, line: sides.is_twin(sides.lines[line], spoken[row]),
    )
    if places is not None:
        return {sides.lines[place]: row for place, row in zip(places, spoken, strict=True)}
    matched = match_some(sides, spoken)
    if not matched or damaged_places(sides, matched, spoken) is None:
        return None
    return matched


def match_recalled(sides: Sides, matched: dict[int, int], spoken: Sequence[int]) -> dict[int, int]:
    """Return ``matched`` with the lines whose text was taken back in the database.

    Yuanbao's recall replaces the text of a row; the file of an upgraded home keeps it. Between two
    matches, recalled rows stand for the user lines where there are as many of both.
    """
    flags = sides.table.flags
    taken = set(matched.values())
    recalled = [row for row in spoken if flags[row] & RECALLED and row not in taken]
    if not recalled:
        return matched
    result = dict(matched)
    low_line = low_row = -1
    for high_line, high_row in [*sorted(matched.items()), (len(sides.file), len(flags))]:
        rows = [row for row in recalled if low_row < row < high_row]
        lines = [
            line
            for line in range(low_line + 1, high_line if rows else 0)
            if sides.file.flags[line] & USER and line not in sides.copies
        ]
        if len(lines) == len(rows):
            result.update(zip(lines, rows, strict=True))
        low_line, low_row = high_line, high_row
    return dict(sorted(result.items()))


def damaged_places(
    sides: Sides, matched: dict[int, int], spoken: Sequence[int]
) -> dict[int, int] | None:
    """Return unmatched row → the line before which it lay, in a damaged place of the file.

    ``None`` where some row is not explained so: each place can have held one message.
    """
    line_of = {row: line for line, row in matched.items()}
    places = sides.file.bad_before
    row_of: dict[int, int] = {}
    waiting: list[int] = []
    before = -1
    for row in [*spoken, None]:
        line = len(sides.file) if row is None else line_of.get(row)
        if line is None:
            waiting += [] if row is None else [row]
            continue
        here = places[bisect_right(places, before) : bisect_right(places, line)]
        if len(waiting) > len(here):
            return None
        row_of.update(zip(waiting, here, strict=False))
        before, waiting = line, []
    return row_of


def later_rows(sides: Sides, matched: dict[int, int]) -> int:
    """Return how many of ``sides.rows`` were stamped before the later turns began.

    N is the longest tail by id whose rows are all later than the file's last genuine line + 5 s.
    Where that time is not proven, a row that matches a line belongs to it only if it is later in
    every zone; where the line has no time at all, N begins after the last such row.
    """
    held = set(matched.values())
    line = sides.lines[-1]
    end, latest = sides.best_epoch(line), sides.latest_epoch(line)
    if end is None or latest is None:
        return max((n + 1 for n, row in enumerate(sides.rows) if row in held), default=0)
    start = len(sides.rows)
    while start:
        row = sides.rows[start - 1]
        if not sides.table.times[row] > (latest if row in held else end) + SLACK:
            break
        start -= 1
    return start


def was_rewritten(sides: Sides, later: Sequence[int], *, alone: bool) -> bool:
    """Whether rows that are later than the file's end are messages of the file all the same.

    Then the session was rewritten after it: /undo and /retry (0.13 to 0.16) give every row that
    they keep a new time. Told by two neighbours among the later rows that are neighbours in the
    file too. Where the session has no other rows (``alone``) one is enough: one that begins both
    and that nothing answers, or one that ends the rows and begins the file (a log that was cut).
    What compaction keeps in place it stores twice (0.18.0 and later); there the rows that it
    archived tell.
    """
    table = sides.table
    rows = [row for row in later if is_genuine(table.flags[row])]
    if any(flags & COMPACTED for flags in table.flags):
        rows = [row for row in rows if table.flags[row] & COMPACTED]
    if not rows:
        return False
    keys = sides.row_keys(rows)
    spoken = sides.line_keys(sides.lines)
    pairs = set(pairwise(spoken))
    if any(pair in pairs for pair in pairwise(keys)):
        return True
    answered = len(rows) > 1 and not table.flags[rows[1]] & USER
    return alone and (keys[-1] == spoken[0] or (not answered and keys[0] == spoken[0]))


def match_others(sides: Sides, matched: dict[int, int]) -> dict[int, int]:
    """Return ``matched`` with the summaries and harness texts that both sides have added."""
    file, table = sides.file, sides.table
    result = dict(matched)
    waiting: dict[Key, list[int]] = {}
    pairs = sorted(matched.items())
    low_line = low_row = -1
    taken = set(matched.values())
    others = [row for row in sides.rows if table.flags[row] & COMPARABLE and row not in taken]
    position = 0
    for high_line, high_row in [*pairs, (len(file), len(table))]:
        waiting.clear()
        while position < len(others) and others[position] < high_row:
            if others[position] > low_row and not is_genuine(table.flags[others[position]]):
                waiting.setdefault(table.keys[others[position]], []).append(others[position])
            position += 1
        last = low_row
        for line in range(low_line + 1, high_line) if waiting else ():
            for row in waiting.get(file.keys[line], ()):
                if row > last and not is_genuine(file.flags[line]):
                    result[line] = last = row
                    break
        low_line, low_row = high_line, high_row
    return result


def has_new_summary(sides: Sides) -> bool:
    """Whether the rows hold a compaction summary that the file lacks."""
    known = set(sides.file.keys)
    return any(
        sides.table.flags[row] & SUMMARY and sides.table.keys[row] not in known
        for row in sides.rows
    )


def session_twins(sides: Sides) -> list[Twin]:
    """Return the turns of a session that say what the zone of its lines is.

    Trusted ones: per turn its wall time and its last row's time.
    """
    turns: list[Twin] = []
    for line, row in sorted((sides.matched or {}).items()):
        wall, stamped = sides.file.time(line), sides.table.times[row]
        if wall is not None and not sides.file.is_aware(line) and not math.isnan(stamped):
            if turns and turns[-1].wall == wall:
                turns.pop()
            turns.append(Twin(wall, stamped))
    return trusted_twins(turns)
