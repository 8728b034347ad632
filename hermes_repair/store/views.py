"""Which bytes to look at: the rules of design 6.1, each with its danger.

At rest without side files the main file is the whole truth and is read ``immutable``. A ``-wal`` or
``-journal`` that nobody has open may be an ordinary crash, may hold all the data (9 of 27 real
installs), or may belong to another file, and joining it destroys what it is joined to; so both
views are made from private copies, compared, and the home is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hermes_repair.store.connections import open_immutable, open_joined, open_private
from hermes_repair.store.look import LIVE_SECONDS_DELETE, LIVE_SECONDS_WAL, Look, View
from hermes_repair.store.scratch import scratch
from hermes_repair.store.soundness import Disagreement, Soundness, soundness

CopyFiles = Callable[[list[tuple[Path, Path]]], None]


class SideFile(Enum):
    """What a side file at rest turned out to be."""

    NONE = "none"
    CRASH = "crash"  # an ordinary crash: joining it is right
    STALE = "stale"  # it damages the file that it lies beside
    AMBIGUOUS = "ambiguous"  # both views are sound and contradict each other
    HOT_JOURNAL = "hot-journal"  # a write was cut off; the next opener rolls it back


IN_QUESTION = (SideFile.STALE, SideFile.AMBIGUOUS)
"""What only the user can answer (DB002): no command writes before."""


class WalChoice(Enum):
    """What the user says about an ambiguous or stale ``-wal`` (``--wal``)."""

    USE = "use"
    IGNORE = "ignore"


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
    ``differences`` are sentences, only where AMBIGUOUS.
    """

    side: SideFile
    view: View
    soundness: Soundness | None
    differences: tuple[str, ...] = ()
    unreadable: str | None = None

    @property
    def disagreeing(self) -> tuple[Disagreement, ...]:
        """The indexes that do not have the rows of their tables (DB006), as far as was asked."""
        return self.soundness.disagreeing if self.soundness is not None else ()

    @property
    def unproven(self) -> frozenset[str]:
        """The tables of those indexes: what is read of them may not be what is there."""
        return frozenset(found.table for found in self.disagreeing)


@contextmanager
def at_rest(
    path: Path,
    sides: Sides,
    copy: CopyFiles,
    choice: WalChoice | None,
    *,
    check_file: bool,
    ours: frozenset[str] = frozenset(),
    left_by_us: bool = False,
) -> Iterator[tuple[Look, FileState]]:
    """Look at a database that nobody has open; nothing is written beside it.

    ``copy`` copies files in a child process that never opens SQLite (design R4). ``ours`` are
    sessions that a run of ours was at work on when it was cut off: what a -wal takes back of them
    is no contradiction. ``left_by_us``: a receipt of ours says whose the -wal is, so that what the
    main file alone shows is none either. Raises :class:`DatabaseUnreadable` where no view can be
    read at all.
    """
    with ExitStack() as stack:
        main = _main(path, stack)
        if not sides.wal and not sides.journal:
            yield main, FileState(SideFile.NONE, View.MAIN, soundness(main) if check_file else None)
            return
        folder = stack.enter_context(scratch(sides.main + sides.wal + sides.journal))
        pairs = [
            (path.with_name(path.name + suffix), folder / (path.name + suffix))
            for suffix, size in (("-wal", sides.wal), ("-journal", sides.journal))
            if size
        ]
        copy([(path, folder / path.name), *pairs])
        joined = _joined(folder / path.name, stack)
        # quick_check does not see a main file into which half of the -wal was taken.
        found = {View.MAIN: soundness(main), View.JOINED: soundness(joined)}
        side, differences = _judge(main, joined, found, sides, ours)
        if side is SideFile.AMBIGUOUS and left_by_us:
            side, differences = SideFile.CRASH, ()
        look = _chosen(main, joined, side, choice)
        yield look, FileState(side, look.view, found[look.view], differences)


def soundness_by_answer(path: Path, sides: Sides, copy: CopyFiles) -> Mapping[WalChoice, Soundness]:
    """Return what speaks against the database that each answer to DB002 would leave.

    ``copy`` as in :func:`at_rest`; nothing is written beside the database.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch(sides.main + sides.wal))
        wal = path.with_name(path.name + "-wal")
        copy([(path, folder / path.name), (wal, folder / wal.name)])
        return {
            WalChoice.IGNORE: soundness(_main(path, stack)),
            WalChoice.USE: soundness(_joined(folder / path.name, stack)),
        }


@contextmanager
def beside_others(
    path: Path, *, wal_mode: bool, check_file: bool, at_least: Collection[str] = ()
) -> Iterator[tuple[Look, FileState]]:
    """Join a database that somebody has open, as a reader with short transactions.

    ``at_least`` are tables that are checked however large the file is.
    """
    connection = open_joined(path)
    try:
        limit = LIVE_SECONDS_WAL if wal_mode else LIVE_SECONDS_DELETE
        look = Look(connection, View.LIVE, path, limit)
        found = soundness(look, at_least=at_least) if check_file else None
        yield look, FileState(SideFile.NONE, View.LIVE, found)
    finally:
        connection.close()


def _main(path: Path, stack: ExitStack) -> Look:
    connection = open_immutable(path)
    stack.callback(connection.close)
    return Look(connection, View.MAIN, path)


def _joined(path: Path, stack: ExitStack) -> Look:
    connection = open_private(path)
    stack.callback(connection.close)
    return Look(connection, View.JOINED, path)


def _judge(
    main: Look,
    joined: Look,
    found: Mapping[View, Soundness],
    sides: Sides,
    ours: frozenset[str],
) -> tuple[SideFile, tuple[str, ...]]:
    """Say what the side file is, from the two views."""
    if found[View.MAIN].sound and not found[View.JOINED].sound:
        return SideFile.STALE, ()
    if sides.journal:
        # A rolled-back view has less by its nature, so "only adds" says nothing here.
        return SideFile.HOT_JOURNAL, ()
    if not found[View.MAIN].sound:
        return SideFile.CRASH, ()
    differences = lost_by_joining(main, joined, ours)
    return (SideFile.AMBIGUOUS, differences) if differences else (SideFile.CRASH, ())


def _chosen(main: Look, joined: Look, side: SideFile, choice: WalChoice | None) -> Look:
    """Return the view to read. Where nothing is in question there is nothing to choose."""
    if side not in IN_QUESTION:
        return joined
    return joined if choice is WalChoice.USE else main


_SESSION_COUNTERS = (
    "message_count",
    "tool_call_count",
    "input_tokens",
    "output_tokens",
    "api_call_count",
    "rewind_count",
)


def lost_by_joining(main: Look, joined: Look, ours: frozenset[str]) -> tuple[str, ...]:
    """Return what the joined view would take back of the main file, in sentences.

    Joining an honest WAL only adds or advances: ids, times and counters never go down. A session
    may lose messages (undo, compaction) only where it has gained later ones. Sessions of ``ours``
    are left out.
    """
    if not main.has("sessions") or not main.has("messages"):
        return ()
    if not joined.has("sessions") or not joined.has("messages"):
        return ("with the -wal the tables of conversations are gone",)
    found: list[str] = []
    before, after = _highest_id(main), _highest_id(joined)
    if after < before:
        found.append(f"with the -wal the last message id is {after}, without it {before}")
    old, new = _sessions(main), _sessions(joined)
    # Every start of Hermes' command line prunes ended sessions without a message, so those do not
    # count: a kill right after it is an ordinary crash.
    gone = sum(1 for id in old.keys() - new.keys() - ours if old[id][0])
    if gone:
        found.append(f"with the -wal sessions are missing that are there without it: {gone}")
    lower = sum(1 for id in (old.keys() & new.keys()) - ours if _goes_back(old[id], new[id]))
    if lower:
        found.append(f"with the -wal sessions have fewer messages or lower counters: {lower}")
    return tuple(found)


def _highest_id(look: Look) -> int:
    if not look.has("sqlite_sequence"):
        return 0
    row = look.one("SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'messages'")
    return int(row[0]) if row and isinstance(row[0], int) else 0


def _sessions(look: Look) -> dict[object, tuple[int, int, float, tuple[float, ...]]]:
    """Return per session: messages, highest message id, latest time, counters that only grow."""
    counters = [column for column in _SESSION_COUNTERS if column in look.columns("sessions")]
    listed = "".join(f", s.{column}" for column in counters)
    return {
        row[0]: (
            _whole(row[1]),
            _whole(row[2]),
            _number(row[3]),
            tuple(_number(value) for value in row[4:]),
        )
        for row in look.rows(
            "SELECT s.id, t.n, t.top, t.late" + listed + " FROM sessions s LEFT JOIN (SELECT"
            " session_id, COUNT(*) n, MAX(id) top, MAX(timestamp) late FROM messages"
            " GROUP BY session_id) t ON t.session_id = s.id"
        )
    }


def _goes_back(
    old: tuple[int, int, float, tuple[float, ...]], new: tuple[int, int, float, tuple[float, ...]]
) -> bool:
    rewritten = new[1] > old[1]
    if not rewritten and (new[0] < old[0] or new[1] < old[1] or new[2] < old[2]):
        return True
    # message_count and tool_call_count go down when a session is rewritten; the others never do.
    return any(
        later < earlier
        for position, (earlier, later) in enumerate(zip(old[3], new[3], strict=False))
        if position > 1 or not rewritten
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def refuse_copy(_pairs: list[tuple[Path, Path]]) -> None:
    """For looks that never copy: they are not made where a side file lies."""
    raise AssertionError("this look is only made where no -wal or -journal lies")
