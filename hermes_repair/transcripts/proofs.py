"""When messages that only a file has were lost, and were not taken out of the database on purpose.

Two facts about every release from 0.13.0 to 0.19.0 carry the proof:

* A chat is only ever taken out, or rewritten without some of its messages, as a whole: all its rows
  go in one transaction, and those that stay come back in one block of consecutive ids. So a row
  that stands apart from the chat's first rows (other ids lie between them) was never rewritten, and
  nothing that was said after it was ever taken out.
* Message ids are given out once (AUTOINCREMENT). So a row that was taken out leaves an id that
  nobody has. Where no id is missing below a row that stands apart, nothing was taken out before it.

A chat without rows leaves no id when it is deleted: there the age of its session row decides. An
import (0.19.0) writes rows into a new database as if they had always been there, without what was
undone; only a row that stands apart shows that there was none.

``tests/histories`` holds this rule against tens of thousands of histories of the releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hermes_repair.transcripts.clock import SLACK
from hermes_repair.transcripts.matching import Sides
from hermes_repair.transcripts.sequences import COMPACTED, INACTIVE, OURS, RowSequence
from hermes_repair.transcripts.verdicts import Doubt, HomeFacts, SessionFacts

_CREATION = 60.0
"""Seconds between the making of a session id and its row."""


def part_missing(
    sides: Sides,
    session: SessionFacts,
    home: HomeFacts,
    matched: dict[int, int],
    missing: Sequence[int],
) -> Doubt | None:
    """Return why ``missing`` lines of a chat that has others of its file may have been taken out.

    ``matched`` is line → row, in ascending order on both sides.
    """
    return (
        taken_back(sides, session)
        or _untimed(sides, max(matched))
        or _not_twins(sides, matched)
        or _taken_out(sides, session, home, matched, missing)
    )


def all_missing(
    sides: Sides,
    session: SessionFacts,
    home: HomeFacts,
    missing: Sequence[int],
    later: Sequence[int],
) -> Doubt | None:
    """Return why the messages of a chat that has none of its file's may have been taken out.

    ``later`` are the rows that came after the file's end.
    """
    doubt = taken_back(sides, session) or _untimed(sides, sides.lines[-1])
    if doubt is not None:
        return doubt
    end = sides.latest_epoch(sides.lines[-1])
    if later and (end is None or min(sides.table.times[row] for row in later) <= end + SLACK):
        return Doubt.NO_ZONE
    return _taken_out(sides, session, home, {}, missing)


def taken_back(sides: Sides, session: SessionFacts) -> Doubt | None:
    """Return a doubt where rows were undone, or compacted in place, and are still there."""
    hidden = INACTIVE | COMPACTED
    if session.rewind_count or any(sides.table.flags[row] & hidden for row in sides.rows):
        return Doubt.TAKEN_BACK
    return None


def before_database(sides: Sides, home: HomeFacts, missing: Sequence[int]) -> bool:
    """Whether all these lines are older than anything that this database ever held.

    The time of the last one decides, or where it has none that of the next line with one.
    """
    if home.database_birth is None or not missing:
        return False
    end = _first_time(sides, range(max(missing), len(sides.file)))
    return end is not None and end + SLACK < home.database_birth


def ending(sides: Sides) -> float | None:
    """Return the latest time of the last line with one (epoch seconds), None where none has."""
    return _first_time(sides, range(len(sides.file) - 1, -1, -1))


def _first_time(sides: Sides, lines: Sequence[int]) -> float | None:
    """Return the latest time of the first of these lines that has one."""
    return next((e for e in (sides.latest_epoch(line) for line in lines) if e), None)


def first_apart(table: RowSequence) -> int | None:
    """Return the first row that other ids separate from the first rows of its session."""
    ids = table.ids
    return next((row for row in range(1, len(ids)) if ids[row] != ids[row - 1] + 1), None)


def _taken_out(
    sides: Sides,
    session: SessionFacts,
    home: HomeFacts,
    matched: dict[int, int],
    missing: Sequence[int],
) -> Doubt | None:
    """Return why ``missing`` may have been taken out; rows that stand apart and free ids decide."""
    apart = first_apart(sides.table)
    proven = _first_proven(sides, matched, apart)
    if proven is not None and proven < missing[0]:
        return None
    made_again = _made_again(sides, session)
    if made_again is not None:
        old = before_database(sides, home, missing)
        return Doubt.BEFORE_DATABASE if old else made_again
    if proven is None and home.perhaps_imported:
        return Doubt.IMPORTED
    missed = home.first_missing_id
    if missed is not None and (apart is None or missed < sides.table.ids[apart]):
        return Doubt.IDS_MISSING
    return _explained_too_late(sides, home, missing)


def _first_proven(sides: Sides, matched: dict[int, int], apart: int | None) -> int | None:
    """Return the first line whose row stands apart and was certainly written in its turn."""
    if apart is None:
        return None
    alike: dict[bytes, list[int]] = {}
    for line in sides.lines:
        alike.setdefault(sides.file.keys[line], []).append(line)
    for line, row in sorted(matched.items()):
        if row < apart or sides.table.flags[row] & OURS:
            continue
        same = alike[sides.file.keys[line]]
        if [other for other in same if sides.is_twin(other, row)] == [line]:
            return line
    return None


def _explained_too_late(sides: Sides, home: HomeFacts, missing: Sequence[int]) -> Doubt | None:
    """Return a doubt where ids that an undo of ours freed could be those of the missing messages.

    They cannot where all was said before: the ids that such a run gave out are above all others.
    """
    if home.explained_since is None:
        return None
    ends = [sides.latest_epoch(line) for line in missing]
    if any(end is None or end >= home.explained_since for end in ends):
        return Doubt.IDS_MISSING
    return None


def _untimed(sides: Sides, line: int) -> Doubt | None:
    if sides.file.time(line) is None:
        return Doubt.NO_TIME
    return Doubt.NO_ZONE if sides.proven_epoch(line) is None else None


def _not_twins(sides: Sides, matched: dict[int, int]) -> Doubt | None:
    """Return a doubt where a row was not written in the turn of its line.

    The last one has to be its twin; every other must at least be able to be one. A row that is
    later than its line was rewritten after it (0.13 to 0.16); one that is earlier than the turn
    before its line is another message of the same words.
    """
    last = max(matched)
    if not sides.is_twin(last, matched[last]):
        return Doubt.NOT_OF_THEIR_TIME
    for line, row in matched.items():
        stamped = sides.table.times[row]
        upper = sides.latest_epoch(line)
        turn = sides.previous_turns[line]
        lower = sides.earliest_epoch(turn) if turn >= 0 else None
        if upper is not None and stamped > upper + SLACK:
            return Doubt.NOT_OF_THEIR_TIME
        if upper is not None and lower is not None and stamped <= lower - SLACK:
            return Doubt.NOT_OF_THEIR_TIME
    return None


def _made_again(sides: Sides, session: SessionFacts) -> Doubt | None:
    """Return a doubt where the session's row may be younger than the first message of its file.

    In 0.13 and 0.14 a chat whose session was deleted goes on under the same id, with its file: that
    leaves a row that is younger than the lines. (Both times are of one clock, and a line is later
    than its turn.) A row that is older than its own id was made under a wrong clock.
    """
    began = session.started_at
    first = sides.earliest_epoch(sides.lines[0])
    if first is None:
        return Doubt.NO_TIME
    if began is None or began > first:
        return Doubt.MADE_AGAIN
    opened = _opened(sides)
    return Doubt.MADE_AGAIN if opened is not None and began < opened - _CREATION else None


def _opened(sides: Sides) -> float | None:
    """Return the epoch that a session id of the form ``YYYYmmdd_HHMMSS_<hex>`` names."""
    try:
        moment = datetime.strptime(sides.session_id[:15], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = sides.clock.proven_offset(moment.timestamp())
    return None if offset is None else moment.timestamp() - offset
