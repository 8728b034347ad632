"""What two databases have in common, and whether a row of the source was ever in the home.

AUTOINCREMENT never gives a message id twice, and ``sqlite_sequence`` survives deleting all rows and
VACUUM. So a row of the source with an id that was given before the two went apart was in the home
too; one with a later id never was. Content says what is the same, ids and times only this.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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
    DESCENDANT = "descendant"  # went on from what the home is
    APART = "apart"  # both went on from a common past
    UNRELATED = "unrelated"  # nothing in common
    HOME_NEW = "home-new"  # the home never held anything
    HOME_EMPTIED = "home-emptied"  # the home held as much once, and has no message now


@dataclass(frozen=True, slots=True)
class Past:
    """Bounds of the last message id that was given before the two databases went apart.

    ``low``: the highest id with the same row on both sides, 0 without one. ``high``: the last id
    before the first with different rows, and no higher than either side's mark. ``time``: of the
    latest common row, epoch seconds, None without one. ``consistent`` is false where ``low`` is
    above ``high``, which no history of two copies gives.
    """

    low: int
    high: int
    time: float | None

    @property
    def consistent(self) -> bool:
        """Whether the two bounds can both be true."""
        return self.low <= self.high
