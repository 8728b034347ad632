"""Compare a session log (``session_<id>.json``) with the rows of its session.

A log is a snapshot of an agent's list, without times: it can be stale, cut to its last messages,
hold what was undone since, and spell texts otherwise (0.15 and later redact secrets). It is written
last after every turn and never becomes shorter, and no delete removes it. So it fills what nobody
else has, and never speaks against anybody: where rows and log each have something of their own
between the same two messages, the rows are right. Nothing from a log is ever SAFE.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hermes_repair.model.findings import Severity
from hermes_repair.transcripts import proofs
from hermes_repair.transcripts.comparison import (
    COMPACTED_SINCE,
    NOTHING,
    TOO_DIFFERENT,
    Case,
    count_sides,
)
from hermes_repair.transcripts.matching import (
    Sides,
    has_new_summary,
    later_rows,
    match_all,
    missing_lines,
    was_rewritten,
)
from hermes_repair.transcripts.sequences import OURS, SUMMARY, is_genuine
from hermes_repair.transcripts.verdicts import (
    Comparison,
    Doubt,
    HomeFacts,
    SessionFacts,
    Verdict,
    whole,
)

_MAYBE_DELETED = "The session may have been deleted on purpose: a delete leaves the log."
_RIGHT = (
    "Where the log has messages of its own, the database has something else: the database is right."
)
_ENDED = "Another source ends earlier, so the log's last messages were undone."
_WENT_ON = (
    "The conversation continued after the log's end, so its last messages may have been undone."
)
_OURS = "Rows of this session were inserted or moved by an earlier repair."
_ONE_BLOCK = "The rows are one block of ids, as after an /undo or /retry."


def compare_log(
    sides: Sides, session: SessionFacts | None, home: HomeFacts, *, ended: bool, named: bool
) -> Comparison:
    """Return what a log has that the rows of its session lack.

    ``ended``: a transcript file tells the session as far as the rows do. ``named``: a person asked
    for this session, so the end of the log is offered although it may have been undone. The answer
    has a finding only where it has a fill.
    """
    case, table = Case(sides, session, home, count_sides(sides)), sides.table
    if not sides.lines:
        return _nothing(case, Verdict.NOTHING_IN_FILE, NOTHING)
    matched = match_all(sides)
    if matched is None:
        return _nothing(case, Verdict.DIVERGED, TOO_DIFFERENT)
    missing = missing_lines(sides, matched, sides.lines)
    case = case.counted(matched, missing)
    if not missing:
        return replace(whole(sides.session_id, case.counts), finding=None)
    if has_new_summary(sides):
        return _nothing(case, Verdict.SUPERSEDED, COMPACTED_SINCE)
    first_later = later_rows(sides, matched)
    later = sides.rows[first_later:]
    earlier = any(is_genuine(table.flags[row]) for row in sides.rows[:first_later])
    if was_rewritten(sides, later, alone=not earlier):
        return _nothing(case, Verdict.SUPERSEDED, Doubt.REWRITTEN.sentence)
    case = replace(case, counts=replace(case.counts, later=len(later)))
    bound = later[0] if later else len(table)
    matched = {line: row for line, row in matched.items() if row < bound}
    gaps = list(_gaps(sides, matched, bound))
    open_gaps = [gap for gap in gaps if gap.lines and not gap.rows]
    facts = session or SessionFacts(None)
    undone = _perhaps_undone(sides, facts, later) if matched else None
    if ended and matched:
        undone = undone or _ENDED
    if undone and not named:
        open_gaps = [gap for gap in open_gaps if not gap.at_end]
    if not open_gaps:
        reason = undone if gaps and gaps[-1].lines and not gaps[-1].rows else _RIGHT
        return _nothing(case, Verdict.SUPERSEDED, reason or _RIGHT)
    verdict = Verdict.FRONT_OR_MIDDLE_MISSING
    if session is None:
        verdict = Verdict.ONLY_IN_FILE
    elif not matched:
        verdict = Verdict.ALL_MISSING
    elif all(gap.at_end for gap in open_gaps):
        verdict = Verdict.TAIL_MISSING
    elif any(gap.rows for gap in gaps):
        verdict = Verdict.UNION
    doubt = Doubt.SESSION_LOG
    reason = _MAYBE_DELETED if session is None else doubt.sentence
    if verdict is Verdict.TAIL_MISSING and undone:
        reason = undone
    inside = _within(sides, open_gaps)
    comparison = case.filled(verdict, doubt, matched, first_later, inside.__contains__)
    return replace(comparison, severity=Severity.INFO, reason=reason)


def _perhaps_undone(sides: Sides, session: SessionFacts, later: Sequence[int]) -> str | None:
    """Return why the end of a log may have been undone; without times there is no more proof."""
    if later:
        return _WENT_ON
    doubt = proofs.taken_back(sides, session)
    if doubt is not None:
        return doubt.sentence
    if any(flags & OURS for flags in sides.table.flags):
        return _OURS
    return _ONE_BLOCK if proofs.first_apart(sides.table) is None else None


@dataclass(frozen=True, slots=True)
class _Gap:
    """The messages that either side has of its own between two common ones.

    ``low`` and ``high`` are the lines of those two (or the bounds of the log).
    """

    low: int
    high: int
    lines: Sequence[int]
    rows: Sequence[int]
    at_end: bool


def _gaps(sides: Sides, matched: dict[int, int], bound: int) -> Iterator[_Gap]:
    """Yield the gaps in order; rows from ``bound`` on were written after the log."""
    taken = set(matched.values())
    rows = [row for row in sides.spoken if row < bound and row not in taken]
    elsewhere = set(sides.row_keys(rows))  # there in another place: never a message twice
    lines = [
        line
        for line in missing_lines(sides, matched, sides.lines)
        if sides.file.keys[line] not in elsewhere
    ]
    marks = [(-1, -1), *sorted(matched.items()), (len(sides.file), bound)]
    for (low, low_row), (high, high_row) in pairwise(marks):
        yield _Gap(
            low,
            high,
            lines[bisect(lines, low) : bisect(lines, high)],
            rows[bisect(rows, low_row) : bisect(rows, high_row)],
            at_end=bool(matched) and high == len(sides.file),
        )


def _within(sides: Sides, gaps: Sequence[_Gap]) -> set[int]:
    """Return the lines of these gaps, summaries too, but no prompt of the program's own."""
    flags = sides.file.flags
    summaries = {
        line for gap in gaps for line in range(gap.low + 1, gap.high) if flags[line] & SUMMARY
    }
    return summaries.union(*(gap.lines for gap in gaps))


def _nothing(case: Case, verdict: Verdict, reason: str) -> Comparison:
    return case.answer(verdict, None, Severity.INFO, reason)
