"""What two databases have in common, and whether a row of the source was ever in the home.

AUTOINCREMENT never gives a message id twice, and ``sqlite_sequence`` survives deleting all rows and
VACUUM. So a row of the source with an id that was given before the two went apart was in the home
too; one with a later id never was. Content says what is the same, ids and times only this.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from hermes_repair.merging.fork_ids import origin
from hermes_repair.merging.row_keys import fingerprint
from hermes_repair.merging.sides import Fingerprint, HistoryRow, Side, TwoHistories


class Presence(Enum):
    """Whether the home ever had a row that only the source has."""

    WAS_HERE = "was-here"  # removed or lost since
    NEVER_HERE = "never-here"
    UNKNOWN = "unknown"


class Because(Enum):
    """What decided it."""

    ID_OF_THE_PAST = "id-of-the-past"  # given before the two went apart
    BROUGHT_BEFORE = "brought-before"  # an earlier merge of ours brought it, and it is gone again
    NEW_BY_ID_AND_TIME = "new-by-id-and-time"
    BETWEEN = "between"  # later than what both have, not later than what proves that they differ
    OLD_BY_TIME = "old-by-time"  # a new id with an old time: a wrong clock, an import, a rewrite
    RE_STAMPED = "re-stamped"  # written again with others at once: its time says nothing
    OUT_OF_ORDER = "out-of-order"  # earlier than rows before it: brought there from elsewhere
    GAP = "gap"  # a new id, and rows are gone that it may have been: on both sides, or here since
    UNRECORDED = "unrecorded"  # rows went from one to the other since, and no record says which
    CONTRADICTION = "contradiction"  # the two databases have ids in common that cannot be


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """An answer with its reason."""

    presence: Presence
    because: Because


class Relation(Enum):
    """What the source is to the home."""

    IDENTICAL = "identical"  # the same chats and messages
    ANCESTOR = "ancestor"  # may be an earlier state of this very file
    DESCENDANT = "descendant"  # may have gone on from what the home is
    APART = "apart"  # both went on from a common past
    UNRELATED = "unrelated"  # nothing in common
    HOME_NEW = "home-new"  # the home never held anything
    HOME_EMPTIED = "home-emptied"  # the home held as much once, and has no message now


@dataclass(frozen=True, slots=True)
class Hole:
    """Rows that the home wrote itself after the two went apart and has no more: between which times
    they were said (epoch seconds, ``before`` None without an end).

    A merge of the other machine may have taken them along, with later ids there and these times,
    and the chat may have gone on there since: what began then may have been here, however long.
    """

    after: float
    before: float | None

    def takes(self, at: float | None) -> bool:
        """Whether a row that was said then may be one of them."""
        if at is None:
            return True
        return self.after <= at and (self.before is None or at <= self.before)


@dataclass(frozen=True, slots=True)
class Past:
    """Bounds of the last message id that was given before the two databases went apart.

    ``low``: the highest id with the same row on both sides that was surely not written again since,
    0 without one. ``high``: the last id
    before the first with different rows, and no higher than either side's mark. ``time``: of the
    latest row up to ``high`` on either side, epoch seconds, None without one. ``gap``: between the
    bounds are ids that neither side has, so that rows may be gone that were later than ``time``.
    ``unrecorded``: rows that were said later went from one to the other, and no receipt of a merge
    says which, so that more of them may have come and been removed. ``holes`` are what the home
    removed since, where no record says what went from it into the source.
    ``consistent`` is false where ``low`` is above ``high``, which no history of two copies gives.
    """

    low: int
    high: int
    time: float | None
    gap: bool = False
    unrecorded: bool = False
    holes: tuple[Hole, ...] = ()

    @property
    def consistent(self) -> bool:
        """Whether the two bounds can both be true."""
        return self.low <= self.high


@dataclass(frozen=True, slots=True)
class CommonIds:
    """What the message ids say that both have.

    ``same``: the highest with the same row (chat, role, content, calls, time) that was surely not
    written again on both sides since, 0 without one. ``different``: the lowest with two different
    rows, None without one. ``..._alone``: how many rows one side has that the other does not have
    under that id.
    """

    same: int
    different: int | None
    home_alone: int
    source_alone: int


def last_common_id(home: Side, source: Side, ids: CommonIds) -> int:
    """Return the highest id that may have been given before the two went apart.

    A side without a mark of its own says nothing of that.
    """
    bounds = [side.sequence for side in (home, source) if side.sequence is not None]
    if ids.different is not None:
        bounds.append(ids.different - 1)
    return min(bounds, default=LAST_ID)


LAST_ID = 2**63 - 1
RE_STAMPED_SECONDS = 2e-5
"""Rows that one rewrite stamps are about 1e-6 s apart, in every release; rows that are written one
by one are 6e-4 s apart and more."""


def re_stamped(rows: Sequence[HistoryRow]) -> frozenset[int]:
    """Return the ids of rows of one chat that were written together, by their times."""
    found: set[int] = set()
    for before, row in pairwise(rows):
        if before.timestamp is None or row.timestamp is None:
            continue
        if 0 <= row.timestamp - before.timestamp < RE_STAMPED_SECONDS:
            found |= {before.id, row.id}
    return frozenset(found)


def kept_whole(two: TwoHistories, past: Past) -> bool:
    """Whether the home has an active row of the common past in this chat.

    Then nothing was taken out of it since: ``replace_messages`` of every release (0.13.0 to 0.19.0)
    deletes all rows or all active ones, other statements delete whole chats, and none deletes one.
    """
    return two.kept or any(row.active and row.id <= past.low for row in two.home)


NEW_ROW = JudgedRow(Presence.NEVER_HERE, Because.NEW_BY_ID_AND_TIME)
REMOVED_SINCE = JudgedRow(Presence.UNKNOWN, Because.GAP)
DOUBTED_CONTENT = frozenset(
    {
        Because.RE_STAMPED,
        Because.OLD_BY_TIME,
        Because.OUT_OF_ORDER,
        Because.GAP,
        Because.UNRECORDED,
    }
)
"""Reasons of rows that were written after the two went apart, by their ids, and may repeat what was
said before."""


@dataclass(frozen=True, slots=True)
class RowJudge:
    """Says of rows of the source whether the home ever had them.

    ``brought`` are messages that an earlier merge brought here, ``brought_there`` such that one
    brought into the source: whose they were before is not known. ``undone`` are ids and messages
    of merges into the home that were undone: a source with both is a copy from before that.
    """

    past: Past
    home_is_new: bool = False
    home_has_mark: bool = True
    brought: Container[Fingerprint] = frozenset()
    brought_there: Container[Fingerprint] = frozenset()
    undone: Container[tuple[int, Fingerprint]] = frozenset()

    def judge(
        self, session_id: str, rows: Sequence[HistoryRow], *, kept: bool = False
    ) -> tuple[JudgedRow, ...]:
        """Answer for some rows of one chat, neighbours in the order of their ids.

        ``kept``: nothing was ever taken out of this chat at home (:func:`kept_whole`), so that a
        row with a new id is new whatever its time.
        """
        stamped = re_stamped(rows)
        judged = tuple(self._judge(session_id, row, row.id in stamped) for row in rows)
        if kept:
            return tuple(NEW_ROW if one.because in DOUBTED_CONTENT else one for one in judged)
        first = next((row for row, one in zip(rows, judged, strict=True) if one == NEW_ROW), None)
        if first is not None and any(hole.takes(first.timestamp) for hole in self.past.holes):
            return tuple(REMOVED_SINCE if one == NEW_ROW else one for one in judged)
        return judged

    def _judge(self, session_id: str, row: HistoryRow, stamped: bool) -> JudgedRow:
        return JudgedRow(*self._answer(session_id, row, stamped))

    def _answer(self, session_id: str, row: HistoryRow, stamped: bool) -> tuple[Presence, Because]:
        mark = fingerprint(session_id, row.key, row.timestamp)
        if mark in self.brought or (row.id, mark) in self.undone:
            return Presence.WAS_HERE, Because.BROUGHT_BEFORE
        if self.home_is_new:
            return Presence.NEVER_HERE, Because.NEW_BY_ID_AND_TIME
        if not self.past.consistent or not self.home_has_mark:
            return Presence.UNKNOWN, Because.CONTRADICTION
        if row.id <= self.past.low:
            return Presence.WAS_HERE, Because.ID_OF_THE_PAST
        if row.id <= self.past.high:
            return Presence.UNKNOWN, Because.BETWEEN
        if self.past.unrecorded:
            return Presence.UNKNOWN, Because.UNRECORDED
        if self.past.high <= 0:
            return Presence.NEVER_HERE, Because.NEW_BY_ID_AND_TIME  # nothing was ever common
        if stamped:
            return Presence.UNKNOWN, Because.RE_STAMPED
        if row.timestamp is None or (
            self.past.time is not None and row.timestamp <= self.past.time
        ):
            return Presence.UNKNOWN, Because.OLD_BY_TIME
        if self.past.gap:
            return Presence.UNKNOWN, Because.GAP
        if row.out_of_order or mark in self.brought_there or self._is_of_fork(session_id, row):
            return Presence.UNKNOWN, Because.OUT_OF_ORDER
        return Presence.NEVER_HERE, Because.NEW_BY_ID_AND_TIME

    def _is_of_fork(self, session_id: str, row: HistoryRow) -> bool:
        """Whether a merge brought this into the source as a fork: receipts know it by the chat that
        it went apart from.
        """
        other = origin(session_id)
        if other is None:
            return False
        return fingerprint(other, row.key, row.timestamp) in self.brought_there


def crossed_over(
    two: TwoHistories, past: Past, ids_here: Collection[int], ids_there: Collection[int]
) -> bool:
    """Whether a row of this chat went from one side to the other after the two went apart.

    Both have it, at one time, under ids of their own; ``ids_here`` and ``ids_there`` were given by
    merges that are on record.
    """
    at_home = {(row.key, row.timestamp) for row in two.home if _is_later(row, past, ids_here)}
    return bool(at_home) and any(
        (row.key, row.timestamp) in at_home for row in two.source if _is_later(row, past, ids_there)
    )


def _is_later(row: HistoryRow, past: Past, given: Collection[int]) -> bool:
    if row.id <= past.high or row.timestamp is None or row.id in given:
        return False
    return past.time is None or row.timestamp > past.time


def relation(home: Side, source: Side, past: Past, ids: CommonIds) -> Relation:
    """Say what the source is to the home."""
    apart = ids.different is not None
    if home.is_new:
        return Relation.HOME_NEW
    if (
        not ids.home_alone
        and not ids.source_alone
        and home.sessions.keys() == source.sessions.keys()
    ):
        return Relation.IDENTICAL
    if home.is_emptied and not apart and source.highest <= (home.sequence or 0):
        return Relation.HOME_EMPTIED
    if past.high <= 0:
        return Relation.UNRELATED
    if not apart and home.sequence is not None and source.highest <= home.sequence:
        return Relation.ANCESTOR
    if not apart and home.sequence is not None:
        return Relation.DESCENDANT
    return Relation.APART
