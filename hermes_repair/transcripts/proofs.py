"""The conditions under which a fill is SAFE. Each returns ``None`` where all hold, else why not.

See design 6.2 for where each comes from; most were found by running the releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hermes_repair.transcripts.matching import (
    Sides,
    is_twin,
    latest_epoch,
    previous_turns,
    proven_epoch,
)
from hermes_repair.transcripts.sequence import (
    COMPACTED,
    INACTIVE,
    OURS,
    USER,
)
from hermes_repair.transcripts.times import SLACK, Clock
from hermes_repair.transcripts.verdicts import HomeFacts, SessionFacts

_NO_TIME = (
    "The last message of the file has no time (0.13 and 0.14 rewrite files so), "
    "so it cannot be proven that the rest was not undone."
)
_NO_ZONE = (
    "The zone of the file's times is not proven: fewer than three turns of this home are in both "
    "sources. Name it with --timezone."
)
_REWOUND = "The session has undone or compacted messages, so what is missing may be theirs."
_NOT_A_TWIN = (
    "The row of the last common message is not of the time of its line, "
    "so the session was rewritten after it."
)
_LATE = "Rows are later than their lines in the file, so the session was rewritten after them."
_REMADE = (
    "The session's row is younger than the missing messages: the session may have been deleted "
    "and made again."
)
_CREATION = 60.0
"""Seconds between the making of a session id and its row."""
_EARLY = "Rows are earlier than the turns of their lines, so they are other messages."
_MAYBE_DELETED = "The session may have been deleted on purpose: nothing proves that it was not."


def front_or_middle(
    sides: Sides,
    session: SessionFacts,
    home: HomeFacts,
    matched: dict[int, int],
    clock: Clock,
) -> str | None:
    """Front or middle missing: the last row is the twin of the last line, nothing was taken out."""
    last = sides.lines[-1]
    return (
        _taken_out(sides, session)
        or _not_timed(sides, clock, last)
        or _not_twins(sides, clock, matched, last)
        or _front_deleted(sides, session, home, matched, clock)
    )


def tail(
    sides: Sides,
    session: SessionFacts,
    home: HomeFacts,
    matched: dict[int, int],
    later: Sequence[int],
    clock: Clock,
) -> str | None:
    """Tail missing: a loss leaves ids in several blocks and the last row in its own turn.

    A rewrite by any release (that is what an undo without a trace is) leaves one block of ids.
    """
    last = max(matched)
    return (
        perhaps_undone(sides, session, later)
        or _not_timed(sides, clock, last)
        or _not_twins(sides, clock, matched, last)
        or _front_deleted(sides, session, home, matched, clock)
    )


def perhaps_undone(sides: Sides, session: SessionFacts, later: Sequence[int]) -> str | None:
    """Whether the rows, times aside, look as an undo of the file's last messages leaves them."""
    if later:
        return "The conversation went on after the file's end, so its last messages may be undone."
    taken = _taken_out(sides, session)
    if taken:
        return taken
    if any(flags & OURS for flags in sides.table.flags):
        return "Rows of this session were inserted or moved by an earlier repair."
    ids = sides.table.ids
    if max(ids) - min(ids) + 1 <= len(ids):
        return "The rows are one block of ids, as an /undo or /retry leaves them."
    return None


def all_missing(
    sides: Sides, session: SessionFacts, home: HomeFacts, later: Sequence[int], clock: Clock
) -> str | None:
    """A session row without messages of the file's time: lost, or deleted and made again?"""
    users = sum(
        1 for line in sides.lines if sides.file.flags[line] & USER and line not in sides.copies
    )
    if users < 2:
        return "The file has fewer than two messages of a person."
    end = latest_epoch(sides.file, clock, sides.lines[-1])
    if later and (end is None or min(sides.table.times[row] for row in later) <= end + SLACK):
        return _NO_ZONE
    if session_only_in_file(sides, home, clock) is None:
        return None
    began = _begin(sides, clock)
    if session.started_at is None or began is None or session.started_at > began + SLACK:
        return _MAYBE_DELETED
    if (session.message_count or 0) > len(sides.table) or session.end_reason == "compression":
        return None
    return _MAYBE_DELETED


def session_only_in_file(sides: Sides, home: HomeFacts, clock: Clock) -> str | None:
    """Never deleted: older than this database, or a surviving row still names it as its parent."""
    if home.named_as_parent:
        return None
    end = latest_epoch(sides.file, clock, sides.lines[-1])
    if end is not None and home.database_birth is not None and end < home.database_birth:
        return None
    if home.routed:
        return _MAYBE_DELETED + " A routing entry names it."
    return _MAYBE_DELETED


def _taken_out(sides: Sides, session: SessionFacts) -> str | None:
    """Inactive rows and rewinds; a summary without them has made the session superseded before."""
    if session.rewind_count or any(
        flags & (INACTIVE | COMPACTED) for flags in (sides.table.flags[row] for row in sides.rows)
    ):
        return _REWOUND
    return None


def _not_timed(sides: Sides, clock: Clock, line: int) -> str | None:
    if sides.file.time(line) is None:
        return _NO_TIME
    return _NO_ZONE if proven_epoch(sides.file, clock, line) is None else None


def _not_twins(sides: Sides, clock: Clock, matched: dict[int, int], last: int) -> str | None:
    """The last row must be the twin of its line; every other row must at least be able to be one.

    A row that is later than its line was rewritten after it; one that is earlier than the turn
    before its line is another message of the same words.
    """
    turns = previous_turns(sides.file)
    if not is_twin(sides, clock, turns, last, matched[last]):
        return _NOT_A_TWIN
    for line, row in matched.items():
        stamped = sides.table.times[row]
        upper = latest_epoch(sides.file, clock, line)
        lower = _earliest(sides, clock, turns[line]) if turns[line] >= 0 else None
        if upper is not None and stamped > upper + SLACK:
            return _LATE
        if upper is not None and lower is not None and stamped <= lower - SLACK:
            return _EARLY
    return None


def _front_deleted(
    sides: Sides,
    session: SessionFacts,
    home: HomeFacts,
    matched: dict[int, int],
    clock: Clock,
) -> str | None:
    """Whether what is missing before the first row may have gone with a deleted session.

    In 0.13 and 0.14 a chat whose session was deleted goes on under the same id, with its file: that
    leaves a session row that is younger than the lines. Not deleted: the row is as old as the
    file, the missing lines are older than the database, or a row still names it as its parent.
    """
    first = min(matched)
    front = [line for line in sides.lines if line < first]
    if not front or home.named_as_parent:
        return None
    began = session.started_at
    if began is not None:
        opened = _opened(session.session_id, clock)
        if opened is not None and began <= opened + _CREATION:
            return None
        earliest = _earliest(sides, clock, sides.lines[0])
        if earliest is not None and began <= earliest + SLACK:
            return None
    bound = next((line for line in range(front[-1], first + 1) if sides.file.time(line)), first)
    end = latest_epoch(sides.file, clock, bound)
    if end is not None and home.database_birth is not None and end < home.database_birth:
        return None
    return _REMADE


def _opened(session_id: str, clock: Clock) -> float | None:
    """Return the epoch that a session id of the form ``YYYYmmdd_HHMMSS_<hex>`` names."""
    try:
        moment = datetime.strptime(session_id[:15], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = clock.proven_offset(moment.timestamp())
    return None if offset is None else moment.timestamp() - offset


def _earliest(sides: Sides, clock: Clock, line: int) -> float | None:
    """Return the earliest epoch that a line can have, ``None`` where it has no time."""
    time = sides.file.time(line)
    return time if time is None or sides.file.is_aware(line) else clock.earliest(time)


def _begin(sides: Sides, clock: Clock) -> float | None:
    """Return the earliest epoch that the first timed message of the file can have."""
    timed = (line for line in sides.lines if sides.file.time(line) is not None)
    first = next(timed, None)
    return None if first is None else _earliest(sides, clock, first)
