"""Which bytes to look at: the rules, each with its danger.

At rest without side files the main file is the whole truth and is read ``immutable``. A ``-wal`` or
``-journal`` that nobody has open may be an ordinary crash, may hold all the data (9 of 27 real
installs), or may belong to another file, and joining it destroys what it is joined to; so both
views are made from private copies, compared, and the home is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from hermes_repair.model.choices import WalChoice
from hermes_repair.model.errors import DatabaseUnreadable
from hermes_repair.model.values import number, whole
from hermes_repair.store.connections import (
    open_immutable,
    open_joined,
    open_private,
    pass_over,
)
from hermes_repair.store.index_comparison import Disagreement
from hermes_repair.store.integrity import Soundness, soundness
from hermes_repair.store.look import LIVE_SECONDS_DELETE, LIVE_SECONDS_WAL, Look, View
from hermes_repair.store.private_copies import scratch
from hermes_repair.store.repeated_objects import RepeatedSchema

CopyFiles = Callable[[list[tuple[Path, Path]]], str | None]
"""Copies files, in a child process that never opens SQLite: closing a descriptor of a database
drops the locks of its process. Returns what proves that a -wal is not of the database before it."""


@dataclass(frozen=True, slots=True)
class Chat:
    """How many messages a session has in one view, and the time of the latest."""

    messages: int
    latest: float | None


@dataclass(frozen=True, slots=True)
class Contents:
    """The sessions of one view by id."""

    chats: Mapping[str, Chat]

    @property
    def messages(self) -> int:
        """The messages of all sessions."""
        return sum(chat.messages for chat in self.chats.values())

    @property
    def latest(self) -> float | None:
        """The time of the last message, None without one."""
        times = (chat.latest for chat in self.chats.values())
        return max((time for time in times if time is not None), default=None)


class SideFile(Enum):
    """What a side file at rest turned out to be."""

    NONE = "none"
    CRASH = "crash"  # an ordinary crash: joining it is right
    STALE = "stale"  # it damages the file that it lies beside
    AMBIGUOUS = "ambiguous"  # it is of another moment than the file, and both views are sound
    HOT_JOURNAL = "hot-journal"  # a write was cut off; the next opener rolls it back


IN_QUESTION = (SideFile.STALE, SideFile.AMBIGUOUS)
"""What only the user can answer (DB002): no command writes before."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Sizes in bytes of the three files at rest; 0 where one is absent or empty."""

    main: int
    wal: int
    journal: int


@dataclass(frozen=True, slots=True)
class FileState:
    """What the file is like: which view was chosen, why, and what SQLite says about it.

    ``soundness`` is what speaks against the chosen view; None where it was not asked.
    ``differences`` are sentences, only where AMBIGUOUS. ``alone`` and ``joined`` are what each side
    has, where it is in question and can be read. ``repeated``: it is ``unreadable`` only because
    its schema lists something twice. ``headless``: the first page is in the -wal alone.
    ``nothing_there``: neither the file nor its -wal has a byte. ``foreign``: the file does not
    begin as a database, whatever it is.
    """

    side: SideFile
    view: View
    soundness: Soundness | None
    differences: tuple[str, ...] = ()
    unreadable: str | None = None
    alone: Contents | None = None
    joined: Contents | None = None
    repeated: RepeatedSchema | None = None
    headless: bool = False
    nothing_there: bool = False
    foreign: bool = False

    @property
    def disagreeing(self) -> tuple[Disagreement, ...]:
        """The indexes that do not have the rows of their tables (DB006), as far as was asked."""
        return self.soundness.disagreeing if self.soundness is not None else ()

    @property
    def damaged(self) -> bool:
        """Whether it cannot be read as it is (DB001, DB003)."""
        damage = self.soundness is not None and bool(self.soundness.damage)
        return damage or self.unreadable is not None

    @property
    def unproven(self) -> frozenset[str]:
        """The tables of those indexes: what is read of them may not be what is there."""
        return frozenset(index.table for index in self.disagreeing)


@dataclass(frozen=True, slots=True)
class WalAnswer:
    """What somebody says of the -wal: ``choice`` the user (``--wal``), and a receipt of ours whose
    it is (``left_by_us``), so that what the main file alone shows is no contradiction.
    """

    choice: WalChoice | None = None
    left_by_us: bool = False


NO_ANSWER = WalAnswer()


@contextmanager
def at_rest(
    path: Path,
    sides: Sides,
    copy: CopyFiles,
    answer: WalAnswer = NO_ANSWER,
    *,
    check_file: bool,
) -> Iterator[tuple[Look, FileState]]:
    """Look at a database that nobody has open; nothing is written beside it.

    Raises :class:`DatabaseUnreadable` where no view can be read at all.
    """
    with ExitStack() as stack:
        main = stack.enter_context(main_alone(path))
        if not sides.wal and not sides.journal:
            yield main, FileState(SideFile.NONE, View.MAIN, soundness(main) if check_file else None)
            return
        folder = stack.enter_context(scratch(sides.main + sides.wal + sides.journal))
        pairs = [
            (path.with_name(path.name + suffix), folder / (path.name + suffix))
            for suffix, size in (("-wal", sides.wal), ("-journal", sides.journal))
            if size
        ]
        contradiction = copy([(path, folder / path.name), *pairs])
        joined = stack.enter_context(_joined(folder / path.name))
        # quick_check does not see a main file into which half of the -wal was taken.
        judged = {View.MAIN: soundness(main), View.JOINED: soundness(joined)}
        side, differences = _judge(main, joined, judged, sides, contradiction)
        if side is SideFile.AMBIGUOUS and answer.left_by_us:
            side, differences = SideFile.CRASH, ()
        look = _chosen(main, joined, side, answer.choice)
        state = FileState(side, look.view, judged[look.view], differences)
        if side in IN_QUESTION:
            state = replace(state, alone=contents(main), joined=contents(joined))
        yield look, state


@contextmanager
def main_alone(path: Path, *, malformed: bool = False) -> Iterator[Look]:
    """Look at a main file as it lies: a -wal beside a copy may belong to another one.

    ``malformed``: also at one whose schema lists something twice, which SQLite refuses.
    """
    with closing(open_immutable(path)) as connection:
        if malformed:
            pass_over(connection)
        yield Look(connection, View.MAIN, path)


def soundness_by_answer(path: Path, sides: Sides, copy: CopyFiles) -> Mapping[WalChoice, Soundness]:
    """Return what speaks against the database that each answer to DB002 would leave.

    ``copy`` as in :func:`at_rest`; nothing is written beside the database.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch(sides.main + sides.wal + sides.journal))
        there = (("", True), ("-wal", sides.wal), ("-journal", sides.journal))
        names = [path.name + suffix for suffix, size in there if size]
        copy([(path.with_name(name), folder / name) for name in names])
        return {
            WalChoice.IGNORE: soundness(stack.enter_context(main_alone(path))),
            WalChoice.USE: soundness(stack.enter_context(_joined(folder / path.name))),
        }


@contextmanager
def beside_others(
    path: Path, *, wal_mode: bool, check_file: bool, at_least: Collection[str] = ()
) -> Iterator[tuple[Look, FileState]]:
    """Join a database that somebody has open, as a reader with short transactions.

    ``at_least`` are tables that are checked however large the file is.
    """
    with closing(open_joined(path)) as connection:
        limit = LIVE_SECONDS_WAL if wal_mode else LIVE_SECONDS_DELETE
        look = Look(connection, View.LIVE, path, limit)
        judged = soundness(look, at_least=at_least) if check_file else None
        yield look, FileState(SideFile.NONE, View.LIVE, judged)


@contextmanager
def _joined(path: Path) -> Iterator[Look]:
    with closing(open_private(path)) as connection:
        yield Look(connection, View.JOINED, path)


def _judge(
    main: Look,
    joined: Look,
    judged: Mapping[View, Soundness],
    sides: Sides,
    contradiction: str | None,
) -> tuple[SideFile, tuple[str, ...]]:
    """Say what the side file is, from the two views and from what the bytes prove.

    That joining takes rows away proves nothing: a delete, an /undo or a prune that only the -wal
    has does so, and joining that is what every SQLite does.
    """
    if judged[View.MAIN].sound and not judged[View.JOINED].sound:
        return SideFile.STALE, ()
    if sides.journal:
        # A rolled-back view has less by its nature, so "only adds" says nothing here.
        return SideFile.HOT_JOURNAL, ()
    if not judged[View.MAIN].sound:
        return SideFile.CRASH, ()
    differences = undone_by_joining(main, joined)
    if contradiction is not None:
        differences = (contradiction, *differences)
    return (SideFile.AMBIGUOUS, differences) if differences else (SideFile.CRASH, ())


def _chosen(main: Look, joined: Look, side: SideFile, choice: WalChoice | None) -> Look:
    """Return the view to read. Where nothing is in question there is nothing to choose."""
    if side not in IN_QUESTION:
        return joined
    return joined if choice is WalChoice.USE else main


def contents(look: Look) -> Contents | None:
    """Return what a view has, None where that cannot be read. No index is asked."""
    try:
        if not look.has("sessions") or not look.has("messages"):
            return Contents({})
        chats = {
            str(row[0]): Chat(
                whole(row[1]),
                number(row[2]),
            )
            for row in look.rows(
                "SELECT s.id, t.n, t.late FROM sessions s NOT INDEXED LEFT JOIN (SELECT"
                " session_id, COUNT(*) n, MAX(timestamp) late FROM messages"
                " NOT INDEXED GROUP BY session_id) t ON t.session_id = s.id"
            )
        }
    except DatabaseUnreadable:
        return None
    return Contents(chats)


def undone_by_joining(main: Look, joined: Look) -> tuple[str, ...]:
    """Return what the joined view would take back of the main file that no commit takes back.

    Rows go with a delete, an /undo, a prune or a compaction, and counters with them; the mark of
    AUTOINCREMENT never goes down.
    """
    if not main.has("sessions") or not main.has("messages"):
        return ()
    if not joined.has("sessions") or not joined.has("messages"):
        return ("with it the tables of conversations are gone",)
    before, after = _highest_id(main), _highest_id(joined)
    if after >= before:
        return ()
    return (f"the last message id ever given is {after} with it, and {before} without it",)


def _highest_id(look: Look) -> int:
    if not look.has("sqlite_sequence"):
        return 0
    row = look.one("SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'messages'")
    return whole(row[0]) if row is not None else 0


def refuse_copy(_pairs: list[tuple[Path, Path]]) -> str | None:
    """For looks that never copy: they are not made where a side file lies."""
    raise AssertionError("this look is only made where no -wal or -journal lies")
