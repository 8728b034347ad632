"""The copies of one home's database, as a doctor looks at them: cheap first, and within limits.

Directory entries tell which copies there are, sizes and samples which of them are the same, and
the newest rows of each state whether it may hold anything that this home never had. Only where it
may are all rows compared, and only as far as the limits go: `copies` compares every one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hermes_repair.evidence.copied_messages import MOST_CHATS, CopiedMessages, messages_of
from hermes_repair.evidence.copy_standing import Standing, missing_chats, rows_of, standing
from hermes_repair.evidence.database_history import last_message_id
from hermes_repair.evidence.opened_copies import NoCopy, open_copy, sides_of, unreadable_because
from hermes_repair.evidence.ownership import LineageEvidence
from hermes_repair.home.other_databases import (
    CopyKind,
    DatabaseCopy,
    incomplete_snapshots,
    profile_of,
)
from hermes_repair.host.file_samples import sample
from hermes_repair.model.errors import DatabaseUnreadable, HermesRepairError, Refused
from hermes_repair.records.folder import DAMAGED
from hermes_repair.schema.structure import read_structure
from hermes_repair.store.integrity import soundness
from hermes_repair.store.look import Look

STATES = 60
"""Of how many different states the newest rows are read: a hundredth of a second each."""
COMPARED_BYTES = 256 << 20
"""So many bytes of copies are compared whole or copied for a look, about a second."""
CHECKED_BYTES = 64 << 20
"""So many bytes are checked by SQLite page by page, the newest copies first."""


@dataclass(frozen=True, slots=True)
class Alone:
    """A copy with messages that this home has not and should have.

    ``chats`` are their sessions by id, ``messages`` how many of them were never here, ``lost`` how
    many are lost: the home's own rows count more messages than there are. ``new_chats`` and
    ``new_messages`` are those of chats that no copy before it was reported for.
    """

    copy: DatabaseCopy
    chats: tuple[str, ...]
    messages: int
    lost: int
    new_chats: int
    new_messages: int


@dataclass(frozen=True, slots=True)
class Removed:
    """Chats that may have been here and are only in copies now; ``copy`` has ``most`` of them."""

    chats: tuple[str, ...]
    copy: DatabaseCopy
    most: int


@dataclass(frozen=True, slots=True)
class Unusable:
    """A copy that could not be put back, and why."""

    copy: DatabaseCopy
    why: str


@dataclass(frozen=True, slots=True)
class Pile:
    """Copies that Hermes or a person left beside state.db: so many of so few states."""

    copies: int
    states: int
    size: int
    surplus: int


@dataclass(frozen=True, slots=True)
class KeptCopies:
    """What the copies of a home have that it has not, and what is wrong with them.

    ``unread`` are captures whose main file is not there or too large for a look. ``uncompared``
    are copies that may have something of their own and were not compared. ``messages`` are those
    of the chats that a picture shows, where one is wanted, and ``not_drawn`` counts further chats
    of which copies have something.
    """

    alone: tuple[Alone, ...] = ()
    removed: Removed | None = None
    unusable: tuple[Unusable, ...] = ()
    incomplete: Path | None = None
    unread: tuple[DatabaseCopy, ...] = ()
    uncompared: tuple[DatabaseCopy, ...] = ()
    pile: Pile = Pile(0, 0, 0, 0)
    messages: CopiedMessages = field(default_factory=CopiedMessages)
    not_drawn: int = 0


def survey_copies(
    evidence: LineageEvidence, passed_over: Sequence[Path], pictured: Collection[str] = ()
) -> KeptCopies:
    """Look at the copies of one home; ``passed_over`` are judged by somebody else.

    ``pictured`` are chats of which it is wanted what the copies have, message by message.
    """
    own = [copy for copy in evidence.every_copy if _is_own(evidence, copy)]
    states = _states(own)
    survey = _Survey(evidence, pictured)
    for copies in states[: None if evidence.look_options.deep else STATES]:
        if copies[0].named not in passed_over:
            survey.look(copies[0])
    survey.unread += [copy for copy in own if copy.wal_alone]
    return survey.found(_pile(states), next(_skipped(evidence), None))


def _is_own(evidence: LineageEvidence, copy: DatabaseCopy) -> bool:
    ours = copy.kind is not CopyKind.PROFILE and copy.kind is not CopyKind.ARCHIVE
    return ours and profile_of(copy.path) in (None, evidence.home.profile)


def _states(copies: Sequence[DatabaseCopy]) -> list[list[DatabaseCopy]]:
    """Return the copies by what is in them, as far as a sample of their bytes tells."""
    states: defaultdict[object, list[DatabaseCopy]] = defaultdict(list)
    for copy in copies:
        if not copy.wal_alone:
            states[_mark(copy)].append(copy)
    return list(states.values())


def _mark(copy: DatabaseCopy) -> object:
    wal = copy.path.with_name(copy.path.name + "-wal")
    if copy.kind.in_use or copy.kind is CopyKind.CAPTURE or wal.exists():
        return copy.path
    try:
        return sample(copy.path)
    except OSError:
        return copy.path


class _Survey:
    """What was found so far, and how much may still be read."""

    def __init__(self, evidence: LineageEvidence, pictured: Collection[str]) -> None:
        self._evidence = evidence
        self._pictured = set(sorted(pictured)[:MOST_CHATS])
        self._not_drawn: set[str] = set()
        self._messages = CopiedMessages()
        self._given = last_message_id(evidence)
        self._to_compare = self._to_check = 0
        self._everything = evidence.look_options.deep
        self._reported: set[str] = set()
        self._removed: dict[str, DatabaseCopy] = {}
        self._held: dict[DatabaseCopy, int] = {}
        self._alone: list[Alone] = []
        self._unusable: list[Unusable] = []
        self._uncompared: list[DatabaseCopy] = []
        self.unread: list[DatabaseCopy] = []

    @cached_property
    def _short(self) -> dict[str, int]:
        from hermes_repair.evidence.compared_copies import short_sessions

        return short_sessions(self._evidence)

    def look(self, copy: DatabaseCopy) -> None:
        """Look at one copy, or note why that was not possible."""
        self._evidence.tell(f"looking at {copy.named.name}")
        room = None if self._everything else COMPARED_BYTES - self._to_compare
        try:
            with open_copy(copy, room) as look:
                if _is_private(copy):
                    self._to_compare += copy.path.stat().st_size  # copying took as much
                if not (look.has("sessions") and look.has("messages")):
                    read_structure(look.rows)  # says why, where the file is damaged
                    raise NoCopy("it has no sessions and messages of Hermes")
                self._judge_if_readable(copy, look)
                self._keep_messages(look)
        except (HermesRepairError, OSError) as error:
            self._note(copy, unreadable_because(error), refused=not _says_of_file(error))

    def _keep_messages(self, look: Look) -> None:
        """Keep what a copy has of the chats that a picture shows, as it is open now."""
        if not self._evidence.look_options.picture:
            return
        for ids in (self._reported, self._removed):
            new = sorted(set(ids) - self._pictured)
            room = MOST_CHATS - len(self._pictured)
            self._pictured.update(new[:room])
            self._not_drawn.update(new[room:])
        if self._pictured:
            self._messages.add(messages_of(look, self._pictured))

    def _judge_if_readable(self, copy: DatabaseCopy, look: Look) -> None:
        """Judge a copy; where one of the two databases cannot be read, ask which."""
        try:
            self._judge(copy, look)
        except DatabaseUnreadable:
            if not (damage := soundness(look).damage):
                raise Refused("state.db cannot be read") from None
            self._note(copy, damage[0], refused=False)

    def _note(self, copy: DatabaseCopy, why: str, *, refused: bool) -> None:
        if copy.kind is CopyKind.CAPTURE:
            self.unread.append(copy)
        elif refused:
            self._uncompared.append(copy)
        elif not _of_damaged(copy) and all(one.copy != copy for one in self._unusable):
            self._unusable.append(Unusable(copy, why))

    def _judge(self, copy: DatabaseCopy, look: Look) -> None:
        size = copy.path.stat().st_size
        of_use = not _of_damaged(copy) and not copy.kind.in_use
        if of_use and (self._everything or self._to_check + size <= CHECKED_BYTES):
            self._to_check += size
            if damage := soundness(look).damage:
                self._unusable.append(Unusable(copy, damage[0]))
        lost = self._lost(look)
        ours = self._evidence.receipt_history.inserted
        stands = standing(self._evidence.look, look, self._given, ours)
        if stands is Standing.APART:
            self._compare(copy, look, size, lost)
        else:
            self._add(copy, {}, lost)
            self._gone(copy, missing_chats(look, self._evidence.node))

    def _lost(self, look: Look) -> dict[str, int]:
        """Return how many messages a copy has more of sessions that have lost some."""
        there = rows_of(look, sorted(self._short)) if self._short else {}
        return {
            id: number - self._short[id] for id, number in there.items() if number > self._short[id]
        }

    def _compare(self, copy: DatabaseCopy, look: Look, size: int, lost: Mapping[str, int]) -> None:
        from hermes_repair.evidence.compared_copies import held_against, never_here, was_here

        if not _is_private(copy):
            if not self._everything and self._to_compare + size > COMPARED_BYTES:
                self._uncompared.append(copy)
                return
            self._to_compare += size
        compared = held_against(self._evidence, look)
        absent = missing_chats(look, self._evidence.node)
        never = never_here(compared)
        if was_here(copy, compared):
            self._gone(copy, absent)
            self._add(copy, {}, lost)
        else:
            self._add(copy, never, lost)
            self._gone(copy, [id for id in absent if id not in never])

    def _add(self, copy: DatabaseCopy, never: Mapping[str, int], lost: Mapping[str, int]) -> None:
        """Report a copy that has a chat which no newer one has."""
        chats = tuple(sorted({*never, *lost}))
        new = [id for id in chats if id not in self._reported]
        if new:
            self._reported.update(new)
            messages = sum(never.get(id, 0) + lost.get(id, 0) for id in new)
            whole = sum(never.values()), sum(lost.values())
            self._alone.append(Alone(copy, chats, *whole, len(new), messages))

    def _gone(self, copy: DatabaseCopy, chats: Sequence[str]) -> None:
        self._held[copy] = len(chats)
        for id in chats:
            self._removed.setdefault(id, copy)

    def found(self, pile: Pile, incomplete: Path | None) -> KeptCopies:
        """Return all that was found."""
        left = sorted(self._removed.keys() - self._reported)
        most = max(self._held, key=lambda copy: self._held[copy]) if left else None
        return KeptCopies(
            alone=tuple(self._alone),
            removed=Removed(tuple(left), most, self._held[most]) if most is not None else None,
            unusable=tuple(self._unusable),
            incomplete=incomplete,
            unread=tuple(self.unread),
            uncompared=tuple(self._uncompared),
            pile=pile,
            messages=self._messages,
            not_drawn=len(self._not_drawn),
        )


def _is_private(copy: DatabaseCopy) -> bool:
    """Whether it was read as a private copy, because something lies beside it."""
    sides = sides_of(copy.path)
    return bool(sides.wal or sides.journal) and not copy.kind.in_use


def _says_of_file(error: HermesRepairError | OSError) -> bool:
    """Whether an error says what a file is, and not that it may not be read now."""
    return isinstance(error, NoCopy | DatabaseUnreadable)


def _of_damaged(copy: DatabaseCopy) -> bool:
    """Whether a copy is of a damaged database by its name: that it is damaged is no news."""
    ours = copy.kind is CopyKind.BACKUP and copy.path.parent.name.startswith(DAMAGED)
    return ours or copy.kind is CopyKind.OF_DAMAGED


def _pile(states: Sequence[Sequence[DatabaseCopy]]) -> Pile:
    """Return how many of the copies beside state.db are the same as another, and their bytes."""
    piled = [
        [copy for copy in copies if copy.kind in (CopyKind.COPY, CopyKind.OF_DAMAGED)]
        for copies in states
    ]
    piled = [copies for copies in piled if copies]
    sizes = [copies[0].path.stat().st_size for copies in piled]
    return Pile(
        copies=sum(map(len, piled)),
        states=len(piled),
        size=sum(size * len(copies) for size, copies in zip(sizes, piled, strict=True)),
        surplus=sum(size * (len(copies) - 1) for size, copies in zip(sizes, piled, strict=True)),
    )


def _skipped(evidence: LineageEvidence) -> Iterator[Path]:
    """Yield the newest snapshot where it was made of this database, and left that out."""
    whole = (copy for copy in evidence.every_copy if copy.kind is CopyKind.SNAPSHOT)
    newest = max((copy.path.stat().st_mtime for copy in whole), default=0.0)
    for folder in incomplete_snapshots(evidence.home):
        made = folder.stat().st_mtime
        if evidence.birth is not None and evidence.birth < made and made > newest:
            yield folder
