"""One chat of a source, held row by row against one chat of the home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from hermes_repair.merging.common_past import (
    DOUBTED_CONTENT,
    NEW_ROW,
    Because,
    JudgedRow,
    Presence,
    RowJudge,
    kept_whole,
    re_stamped,
)
from hermes_repair.merging.sides import FlagChange, HistoryRow, Key, TwoHistories
from hermes_repair.merging.verdicts_of_chats import RowCounts

Whole = Mapping[str, tuple[HistoryRow, ...]]
"""All rows of some chats of the source, by session."""


@dataclass(frozen=True, slots=True)
class Above:
    """What lies above a chat in the source: its ``parents``, nearest first.

    ``grown``: it began, after the two went apart, as the continuation of one of them. Then a row
    that was written again and is not one of theirs was said in it, or is its summary.
    """

    parents: tuple[str, ...] = ()
    grown: bool = False


NOTHING_ABOVE = Above()


class Display(Enum):
    """What the two show of a chat: its active rows, as a release lists them."""

    SAME = "same"
    HOME_MORE = "home-more"  # the source's is the beginning of the home's
    SOURCE_MORE = "source-more"  # the other way round
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a chat of the source stands to the home's ``into``.

    ``shared`` counts the rows that both begin with; ``home_more`` and ``source_more`` those after
    them, ``first`` is the source's first of these. ``flags`` are shared rows with other flags in
    the source. ``undone``: the home took back what the source shows or has compacted. ``after`` is
    the source's first row after all that the home shows, with the number of rows from it on, where
    ``display`` is SOURCE_MORE. ``rows`` are what only the source has, ``because`` what speaks
    against their being new. Rows that the source carried over from itself by a compaction count as
    none; ``from_parents`` are those it has from the sessions above, which stand or fall with them.
    ``archived`` are those of its own rows that a compaction put away: no list shows them.
    """

    session_id: str
    into: str
    shared: int
    home_more: int
    source_more: int
    first: HistoryRow | None
    flags: tuple[FlagChange, ...]
    undone: bool
    display: Display
    after: tuple[int, int] | None
    rows: RowCounts
    because: frozenset[Because]
    from_parents: int = 0
    archived: int = 0

    @property
    def all_new(self) -> bool:
        """Whether the home never had any of the rows that the source has more."""
        return not self.rows.removed_or_lost and not self.rows.unknown

    @property
    def went_apart(self) -> bool:
        """Whether each side went on in its own way: the source's is no part of the home's chat."""
        return self.home_more > 0 and self.source_more > 0 and self.display is Display.APART


def stand(
    two: TwoHistories,
    into: str,
    judge: RowJudge,
    whole: Whole | None,
    above: Above = NOTHING_ABOVE,
) -> Standing | None:
    """Hold a chat against the home's; None where ``whole`` is needed and not given.

    Then ``two`` has to have all rows, and ``whole`` the chat itself and the sessions above it.
    """
    if two.flags and (two.home or two.source) and whole is None:
        return None
    shared = shared_rows(two)
    pairs = zip(two.home[:shared], two.source[:shared], strict=True)
    flags = (
        *two.flags,
        *(_change(ours, theirs) for ours, theirs in pairs if _differ(ours, theirs)),
    )
    own = two.source[shared:]
    kept = kept_whole(two, judge.past)
    # A rewrite stamps what both have too: neighbours count from the first row on.
    judged = judge.judge(two.session_id, two.source, kept=kept)[shared:]
    carried: Mapping[int, bool] = {}
    if any(one.because in DOUBTED_CONTENT for one in judged):
        if whole is None:
            return None
        carried = _carried(two, own, judged, whole, above.parents)
        if above.grown:
            judged = tuple(NEW_ROW if one.because is Because.RE_STAMPED else one for one in judged)
    counted = [one for row, one in zip(own, judged, strict=True) if row.id not in carried]
    counts = Counter(one.presence for one in counted)
    display, after = _displayed(two)
    return Standing(
        session_id=two.session_id,
        into=into,
        shared=two.shared + shared,
        home_more=len(two.home) - shared,
        source_more=len(own),
        first=own[0] if own else None,
        flags=flags,
        undone=_undone(flags, two.home[shared:]) or _takes_back(two.home, own, carried),
        display=display,
        after=after,
        rows=RowCounts(
            counts[Presence.NEVER_HERE], counts[Presence.WAS_HERE], counts[Presence.UNKNOWN]
        ),
        because=frozenset(
            one.because for one in counted if one.presence is not Presence.NEVER_HERE
        ),
        from_parents=sum(carried.values()),
        archived=sum(row.compacted for row in own),
    )


def shared_rows(two: TwoHistories) -> int:
    """Return with how many equal rows both go on after what they share.

    The same words on both sides are the same message, as long as nothing before them was taken back
    on one side only: then only what is known to be one row is.
    """
    words = _equal_rows(two.home, two.source)
    pairs = list(zip(two.home[:words], two.source[:words], strict=True))
    if not two.flags and not any(_differ(ours, theirs) for ours, theirs in pairs):
        return words
    rewritten = re_stamped(two.home), re_stamped(two.source)
    for count, (ours, theirs) in enumerate(pairs):
        again = ours.id in rewritten[0] or theirs.id in rewritten[1]
        if ours.timestamp != theirs.timestamp and not again:
            return count
    return words


def _displayed(two: TwoHistories) -> tuple[Display, tuple[int, int] | None]:
    ours = [row.key for row in two.home if row.active]
    theirs = [row.key for row in two.source if row.active]
    if ours == theirs:
        return Display.SAME, None
    if ours[: len(theirs)] == theirs:
        return Display.HOME_MORE, None
    if theirs[: len(ours)] != ours:
        return Display.APART, None
    shown = 0
    for index, row in enumerate(two.source):
        if shown == len(ours):
            return Display.SOURCE_MORE, (row.id, len(two.source) - index)
        shown += row.active
    raise AssertionError("a longer display has a row after the shorter one")


def _equal_rows(home: Sequence[HistoryRow], source: Sequence[HistoryRow]) -> int:
    """Return with how many equal rows two histories begin."""
    count = 0
    for ours, theirs in zip(home, source, strict=False):
        if ours.key != theirs.key:
            break
        count += 1
    return count


def _differ(ours: HistoryRow, theirs: HistoryRow) -> bool:
    return (ours.active, ours.compacted) != (theirs.active, theirs.compacted)


def _change(ours: HistoryRow, theirs: HistoryRow) -> FlagChange:
    return FlagChange(ours.id, ours.active, ours.compacted, theirs.active, theirs.compacted)


def _undone(flags: Collection[FlagChange], home_own: Sequence[HistoryRow]) -> bool:
    """Whether the home took back, by ``/undo``, what the source shows or has compacted.

    A row that is neither active nor compacted was taken back. One that was compacted was perhaps
    taken back as its copy after the summary.
    """
    if any(not one.was_active and not one.was_compacted for one in flags):
        return True
    copied = any(one.was_compacted and one.active for one in flags)
    return copied and any(not row.active and not row.compacted for row in home_own)


def _takes_back(
    home: Sequence[HistoryRow], own: Sequence[HistoryRow], carried: Collection[int]
) -> bool:
    """Whether the home took back its copy of a row that the source carried over, or that went from
    one to the other: then it has the time that it has here.
    """
    undone = [row for row in home if not row.active and not row.compacted]
    keys = {row.key for row in undone}
    moments = {_moment(row) for row in undone} - {_moment(row) for row in home if row.active}
    return any(
        row.active
        and (
            (row.id in carried and row.key in keys)
            or (row.timestamp is not None and _moment(row) in moments)
        )
        for row in own
    )


def _carried(
    two: TwoHistories,
    own: Sequence[HistoryRow],
    judged: Sequence[JudgedRow],
    whole: Whole,
    parents: Sequence[str],
) -> dict[int, bool]:
    """Return the ids of rows that are copies, true where of a session above.

    What the home has in this chat too, at the same time, is one: ``/retry`` deletes the rows that a
    compaction put away (0.18.2, 0.19.0), so that the two do not begin alike.
    A compaction in place writes the rows that it keeps again, with their times (0.18.0 and later);
    a rotation, a branch and ``/compress`` write them into another session. What was cut short on
    the way still has its time.
    """
    archived = [row for row in whole.get(two.session_id, ()) if row.compacted]
    at_home = {(row.key, row.timestamp) for row in two.home if row.timestamp is not None}
    above = [row for parent in parents for row in whole.get(parent, ())]
    own_times, own_keys = _times(archived), {row.key: row.id for row in reversed(archived)}
    times, keys = _times(above), {row.key for row in above}
    carried: dict[int, bool] = {}
    for row, one in zip(own, judged, strict=True):
        if one.because not in DOUBTED_CONTENT:
            continue
        stamped = one.because is Because.RE_STAMPED
        if (
            (row.key, row.timestamp) in at_home
            or own_times.get(row.timestamp, row.id) < row.id
            or (stamped and own_keys.get(row.key, row.id) < row.id)
        ):
            carried[row.id] = False
        elif row.timestamp in times or (stamped and row.key in keys):
            carried[row.id] = True
    return carried


def _moment(row: HistoryRow) -> tuple[Key, float | None]:
    return row.key, row.timestamp


def _times(rows: Sequence[HistoryRow]) -> dict[float | None, int]:
    """Return the first id by time; rows without a time are copies of none."""
    return {row.timestamp: row.id for row in reversed(rows) if row.timestamp is not None}
