"""What checks read: one look at one home, and what several checks derive from it, once.

Everything on a scene is a value or is derived on first use; checks change nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from hermes_repair.evidence.compared_transcripts import (
    Compared,
    Comparisons,
    compare_all,
    compare_logs,
)
from hermes_repair.evidence.homes_in_use import OtherHome, find_homes_in_use
from hermes_repair.evidence.kept_copies import KeptCopies, survey_copies
from hermes_repair.evidence.lock_holds import (
    Circumstances,
    Hold,
    JudgedLock,
    judged_locks,
    pids_comparable,
)
from hermes_repair.evidence.ownership import LineageEvidence
from hermes_repair.evidence.recalled import known_suspects
from hermes_repair.evidence.rows_that_hold import other_holds
from hermes_repair.evidence.sessions_elsewhere import (
    Continuation,
    OlderCopy,
    Place,
    SharedChats,
    find_continuations,
    find_elsewhere,
    find_older_copies,
    find_shared,
)
from hermes_repair.evidence.suspect_rows import Suspects, find_suspects
from hermes_repair.model.errors import Refused
from hermes_repair.model.values import whole

LARGEST_ID = 2**63 - 1  # of a row in SQLite


class NoIdLeft(Refused):
    """There is no id above the largest that ``messages`` gave out."""


@dataclass
class Scene(LineageEvidence):
    """One look at one home with all that is derived from it."""

    @cached_property
    def elsewhere(self) -> Mapping[str, tuple[Place, ...]]:
        """Where the missing parents of orphans still are, by the parent's id."""
        return find_elsewhere(self)

    @cached_property
    def continued_elsewhere(self) -> Mapping[str, tuple[Continuation, ...]]:
        """What continues, in other profiles, the sessions that nothing here continues, by id."""
        return find_continuations(self)

    @cached_property
    def shared_chats(self) -> tuple[SharedChats, ...]:
        """Which chats other profiles have under the same id, but not the same."""
        return find_shared(self)

    @cached_property
    def homes_in_use(self) -> tuple[OtherHome, ...]:
        """Other homes of this machine that are used as this one is."""
        return find_homes_in_use(self)

    @cached_property
    def older_copies(self) -> tuple[OlderCopy, ...]:
        """The copies with chats from before this database, newest first."""
        return find_older_copies(self)

    @cached_property
    def copies(self) -> KeptCopies:
        """What the copies around this database have, but for those from before it."""
        pictured: list[str] = []
        if self.look_options.picture:
            pictured = [id for id, one in self.comparisons.answers.items() if _lacks_rows(one)]
        return survey_copies(self, [copy.path for copy in self.older_copies], pictured)

    @cached_property
    def comparisons(self) -> Comparisons:
        """Every transcript file compared with its session."""
        return compare_all(self)

    @cached_property
    def logs(self) -> Mapping[str, Compared]:
        """Session logs that have messages which neither rows nor transcripts have."""
        return compare_logs(self, self.comparisons)

    @cached_property
    def suspects(self) -> Suspects:
        """Where messages with odd values are, and such as may be summaries."""
        deep = self.look_options.deep
        return known_suspects(self.look.answers, deep, lambda: find_suspects(self.look, deep=deep))

    @cached_property
    def new_message_ids(self) -> Iterator[int]:
        """Ids above the largest that ``messages`` ever gave out, each once for the whole plan.

        Raises :class:`NoIdLeft` where there is none.
        """
        row = self.look.one(
            "SELECT MAX((SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name ="
            " 'messages'), (SELECT COALESCE(MAX(id), 0) FROM messages))"
        )
        newest = whole(row[0]) if row else 0
        return map(_possible, count(newest + 1))

    @cached_property
    def locked(self) -> frozenset[str]:
        """Sessions with a compression lock of any kind, alive or not."""
        return frozenset(lock.session for lock in self.locks)

    @cached_property
    def locks(self) -> tuple[JudgedLock, ...]:
        """Every compression lock with its verdict."""
        return judged_locks(self.look, self.home.database, self.openers, self.now)

    @cached_property
    def holds(self) -> tuple[Hold, ...]:
        """All else that holds or blocks a session by the rows: pauses, handoffs, delegations."""
        database = self.home.database
        around = Circumstances(
            database, self.openers, pids_comparable(database), socket.gethostname(), self.now
        )
        return tuple(other_holds(self.look, around))


def _lacks_rows(compared: Compared) -> bool:
    fill = compared.comparison.fill if compared.comparison is not None else None
    return fill is not None and bool(fill.lines)


def _possible(message_id: int) -> int:
    if message_id > LARGEST_ID:
        raise NoIdLeft(
            f"A message has the largest possible id ({LARGEST_ID:,}), so no message can be"
            " added; Hermes cannot add one either."
        )
    return message_id
