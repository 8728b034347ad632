"""Merge two forked siblings (``--resolve merge``): which turns come in, and where.

Only whole turns that the kept session does not have: a person's message with everything up to the
next one, every tool call answered, closed by an answer of the model. They go between the turns of
the kept session by time, and only where a person's message may follow.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

from hermes_repair.lineage.compared_messages import Message, Nature


class LeftOut(Enum):
    """Why a turn of the other sibling does not come in."""

    ALREADY_THERE = "already-there"
    INCOMPLETE = "incomplete"  # a tool call without its answer, or no closing answer
    NOT_A_PERSONS = "not-a-persons"  # a background review, a summary, rows before any message
    NO_PLACE = "no-place"  # the kept session has no place where a person's message may follow


@dataclass(frozen=True, slots=True)
class Placed:
    """One row of the merged sequence.

    ``merged_in`` rows come from the other sibling; ``at`` is then their time moved between the rows
    around them, so that the order by time is the order of the sequence.
    """

    message: Message
    merged_in: bool
    at: float | None


@dataclass(frozen=True, slots=True)
class MergedTurns:
    """The rows of the kept session with those that come in, in order, and what stays out.

    ``left_out`` names the other sibling's own rows that do not come in, by id.
    """

    sequence: tuple[Placed, ...]
    left_out: tuple[tuple[LeftOut, tuple[int, ...]], ...]

    @property
    def merged_in(self) -> tuple[Message, ...]:
        """The rows that come in."""
        return tuple(placed.message for placed in self.sequence if placed.merged_in)


def merge_turns(
    kept: Sequence[Message], kept_shared: int, other: Sequence[Message], other_shared: int
) -> MergedTurns:
    """Merge the own turns of ``other`` into ``kept``.

    Both are all active rows of a sibling in the order of their ids; ``..._shared`` is how many of
    them, from the first, are not its own (:class:`~hermes_repair.lineage.forks.Sibling`).
    """
    gaps = _gaps(kept, kept_shared)
    present = {_turn_key(turn) for turn in _turns(kept)}
    left_out: list[tuple[LeftOut, tuple[int, ...]]] = []
    placed: dict[int, list[Message]] = {}
    least = 0
    for turn in _turns(other[other_shared:]):
        reason = _unfit(turn, present)
        if reason is None and not gaps:
            reason = LeftOut.NO_PLACE
        if reason is not None:
            left_out.append((reason, tuple(message.id for message in turn)))
            continue
        gap = max(least, _place(gaps, turn[0].at))
        least = gap
        placed.setdefault(gaps[gap].index, []).extend(turn)
    return MergedTurns(tuple(_sequence(kept, placed)), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Gap:
    """A place before row ``index`` of the kept session; ``after`` is the time of the row there."""

    index: int
    after: float | None


def _gaps(kept: Sequence[Message], shared: int) -> list[_Gap]:
    """Return the places where a whole turn may stand, in order.

    Before a person's message that follows a closed turn, and at the end after one; never among the
    rows that the siblings share, whose order says what the summary knew.
    """
    gaps = []
    pending: set[str] = set()
    previous: Message | None = None
    for index, message in enumerate(kept):
        follows = previous is not None and previous.role == "assistant" and not pending
        if index >= shared and message.is_person and follows:
            gaps.append(_Gap(index, message.at))
        if message.nature is Nature.META:
            continue
        pending = (pending | set(message.calls)) - {message.answers or ""}
        previous = message
    if previous is not None and previous.role == "assistant" and not pending:
        gaps.append(_Gap(len(kept), None))
    return gaps


def _turns(rows: Sequence[Message]) -> list[list[Message]]:
    """Cut rows into turns; one begins with a person's message, a summary or a review."""
    turns: list[list[Message]] = []
    for message in rows:
        if message.nature is Nature.META:
            continue
        begins = message.is_person or message.nature in (Nature.REVIEW, Nature.CARRIED)
        if begins or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _turn_key(turn: Sequence[Message]) -> tuple[Hashable, ...]:
    return tuple(message.match for message in turn)


def _unfit(turn: Sequence[Message], present: set[tuple[Hashable, ...]]) -> LeftOut | None:
    if not turn[0].is_person:
        return LeftOut.NOT_A_PERSONS
    if _turn_key(turn) in present:
        return LeftOut.ALREADY_THERE
    pending: set[str] = set()
    for message in turn[1:]:
        if message.role == "tool" and message.answers not in pending:
            return LeftOut.INCOMPLETE
        if message.role != "tool" and pending:
            return LeftOut.INCOMPLETE
        pending = (pending | set(message.calls)) - {message.answers or ""}
    closed = turn[-1].role == "assistant" and not pending and len(turn) > 1
    return None if closed else LeftOut.INCOMPLETE


def _place(gaps: Sequence[_Gap], at: float | None) -> int:
    """Return the first gap whose next row is later than ``at``, the last one where none is."""
    if at is not None:
        for number, gap in enumerate(gaps):
            if gap.after is not None and gap.after > at:
                return number
    return len(gaps) - 1


def _sequence(kept: Sequence[Message], placed: dict[int, list[Message]]) -> list[Placed]:
    sequence: list[Placed] = []
    latest: float | None = None
    for index in range(len(kept) + 1):
        if index in placed:
            bound = next((row.at for row in kept[index:] if row.at is not None), None)
            for message in placed[index]:
                latest = _between(latest, message.at, bound)
                sequence.append(Placed(message, True, latest))
        if index < len(kept):
            message = kept[index]
            sequence.append(Placed(message, False, message.at))
            if message.at is not None:
                latest = message.at if latest is None else max(latest, message.at)
    return sequence


def _between(low: float | None, at: float | None, high: float | None) -> float | None:
    """Return ``at`` moved between two times; the lower one wins where they contradict."""
    time = at if at is not None else low
    if time is not None and high is not None:
        time = min(time, high)
    if time is not None and low is not None:
        time = max(time, low)
    return time
