"""What merging says of each chat of a source, and of the source as a whole: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from hermes_repair.merging.common_past import Past, Relation
from hermes_repair.merging.sides import FlagChange, Side


class Verdict(Enum):
    """What a chat of the source is to the home."""

    SAME = "same"  # the home has it, row for row
    HOME_AHEAD = "home-ahead"  # the home has all of it, and more or other flags
    EMPTY = "empty"  # a session without messages, which the home does not have
    NEW = "new"  # the home never had it: brought
    CONTINUED = "continued"  # the home's, with new rows after it: brought
    FORK = "fork"  # both went on: the source's becomes a chat of its own, beside the home's
    REMOVED_OR_LOST = "removed-or-lost"  # the home had what it alone has: brought when named
    ASK = "ask"  # undecidable: brought when named


UNASKED = frozenset({Verdict.NEW, Verdict.CONTINUED, Verdict.FORK})
"""What is brought without asking."""


class Reason(Enum):
    """Why a chat is asked for, or what its verdict rests on."""

    REMOVED_HERE = "removed-here"  # its rows were in the home, which has them no more
    BROUGHT_BEFORE = "brought-before"  # an earlier merge brought it, and it is gone again
    HOME_EMPTIED = "home-emptied"  # the home's messages were all removed
    MAYBE_EARLIER_STATE = "maybe-earlier-state"  # the source may be an earlier state of this file
    UNPROVEN_ROWS = "unproven-rows"  # whether the home had some of its rows is not known
    BEGAN_BEFORE = "began-before"  # its rows are new, and it began before the two went apart
    WRONG_CLOCK = "wrong-clock"  # new by their ids, old by their times
    NEW_AFTER_REMOVED = "new-after-removed"  # new rows that follow rows which the home removed
    UNDONE_HERE = "undone-here"  # the home took back what the source went on from
    PARENT_NOT_BROUGHT = "parent-not-brought"  # what it continues or branches from is asked for
    TAKES_PLACE = "takes-place"  # Hermes would open it in place of a chat here, or one here for it
    CHILD_NOT_BROUGHT = "child-not-brought"  # the source shows a child of it in its place
    CYCLE = "cycle"  # its parents lead back to it
    PARTIAL_SOURCE = "partial-source"  # rows between may be missing from the source
    UNREADABLE = "unreadable"  # a value of it makes Hermes fail to list or to load a chat
    NO_SESSION_ROW = "no-session-row"  # messages without their row of sessions, here or there


class Link(Enum):
    """How a session that is brought hangs in the home's lineage."""

    NONE = "none"  # without a parent
    PARENT = "parent"  # below the session ``Bring.parent``, with its marks as in the source
    BRANCH = "branch"  # no parent, ``_branched_from`` = ``Bring.parent``, listed beside it


@dataclass(frozen=True, slots=True)
class Bring:
    """What bringing a chat writes.

    ``into`` is the home's session: the source's own id, or that of a fork. ``since`` is the id of
    the first message of the source that is added, all later ones of that chat with it, in the order
    of their ids; None for all of its rows. ``new_session``: the row of ``sessions`` is brought too;
    else the home's is continued and ``flags`` are set on its rows. ``messages`` counts the added
    rows; with none of them and no new session only the source's end is taken. ``takes_end``:
    ``ended_at`` and ``end_reason`` come from the source, because what continues it comes too.
    ``parent`` is an id of the home by ``link``; where it is not there, because it was not brought,
    the session has none.
    """

    into: str
    new_session: bool
    since: int | None = None
    messages: int = 0
    flags: tuple[FlagChange, ...] = ()
    takes_end: bool = True
    link: Link = Link.NONE
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Messages that only the source has: never in the home, removed there or lost, unknown."""

    never_here: int = 0
    removed_or_lost: int = 0
    unknown: int = 0

    @property
    def alone(self) -> int:
        """All of them."""
        return self.never_here + self.removed_or_lost + self.unknown

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(
            self.never_here + other.never_here,
            self.removed_or_lost + other.removed_or_lost,
            self.unknown + other.unknown,
        )


@dataclass(frozen=True, slots=True)
class ChatVerdict:
    """What is said of one session of the source.

    ``shared`` counts the messages that it begins with as the home's does. ``rows`` are those that
    only the source has. ``bring`` is done unasked where ``verdict`` is in :data:`UNASKED`, else
    when the owner names the session; None where there is nothing to bring. ``at_home`` is the
    home's session that it was held against: its own id, or that of a fork that an earlier merge
    made; None where there is none. ``lost``: the home's row counts more messages than it has, which
    no release leaves behind; they were lost.
    """

    session_id: str
    verdict: Verdict
    reason: Reason | None = None
    shared: int = 0
    rows: RowCounts = RowCounts()
    bring: Bring | None = None
    at_home: str | None = None
    lost: bool = False

    @property
    def unasked(self) -> bool:
        """Whether it is brought without asking."""
        return self.verdict in UNASKED and self.bring is not None


@dataclass(frozen=True, slots=True)
class ChatCounts:
    """Chats with something that only the source has, by the same three words."""

    never_here: int = 0
    removed_or_lost: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A source held against a home.

    ``verdicts`` has every session of the source that is not the same row for row, parents before
    children; ``same`` counts the others. ``accepted`` are the sessions that are brought: those that
    were named with what they need, or all that come unasked.
    """

    relation: Relation
    past: Past
    home: Side
    source: Side
    verdicts: Mapping[str, ChatVerdict]
    same: int
    rows: RowCounts
    chats: ChatCounts
    accepted: frozenset[str]

    @property
    def brings(self) -> tuple[ChatVerdict, ...]:
        """What a merge does, parents before children."""
        return tuple(
            verdict
            for name, verdict in self.verdicts.items()
            if name in self.accepted and verdict.bring is not None
        )
