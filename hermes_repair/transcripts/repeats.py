"""Lines of a file, and rows of a session, that repeat others of it and were said once. Pure.

*Lines.* Gateways wrote some more than once: double writers (Hermes #860), a user line for every
failed attempt, and after a rotation in 0.13/0.14 the whole compacted list again. Such a line may
match a row, but it is not missing where no row matches it. A person who says the same twice is told
from that by time: a turn of its own, later than the first one, is no copy. A line without a time is
never a copy: /undo of 0.13 and 0.14 rewrites whole files so, and six times "ok" was said six times.

*Rows.* Nearness in time proves nothing: a rewrite (``/undo``, ``/retry``), a rotation and a branch
give every row of a whole chat times that are microseconds to milliseconds apart, in all releases
from 0.13.0 to 0.19.0, and a person, a model and a tool all say the same thing again. Nor does one
equal time: up to Python 3.12 the clock of Windows stands still for 15 ms. Two things are told
apart:

A *replay*: an agent that was given a loaded chat stores it again, each message with its own time
(0.17.0 to 0.19.0, and worse in 0.19.1 to 0.21: Hermes #68196, #92231, #99477). Then the times of
the session fall back to an earlier message, and from there on the rows are the same as before, the
times to their last digit. Where all that had been loaded is there again, it is *whole*, and proven:
in 0.13.0 to 0.19.0 nothing else leaves that, and nothing of it was undone.

*Two writers*: burst after burst of rows holds each message twice (#860). That is no proof.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from hermes_repair.lineage.compared_messages import Message
from hermes_repair.transcripts.clock import SLACK
from hermes_repair.transcripts.message_keys import Key
from hermes_repair.transcripts.sequences import ASSISTANT, AWARE, USER, FileSequence


def find_copies(file: FileSequence, row_keys: Sequence[Key]) -> dict[int, int]:
    """Return line → earlier line that it is a copy of.

    Both have a time. Copies are: a line equal in key and time to its neighbour; a user line
    repeated with no assistant line between; a run of two lines or more that repeats an earlier run,
    of which ``row_keys`` (all rows of the session) hold one, unless it is a turn of its own.
    """
    copies = _neighbours(file)
    copies.update(_repeated_questions(file))
    for line, origin in _repeated_runs(file, row_keys).items():
        copies.setdefault(line, origin)
    return {line: _origin(copies, line) for line in copies}


def _origin(copies: dict[int, int], line: int) -> int:
    while line in copies:
        line = copies[line]
    return line


def _same_time(file: FileSequence, left: int, right: int) -> bool:
    a, b = file.time(left), file.time(right)
    return a is not None and a == b and (file.flags[left] & AWARE) == (file.flags[right] & AWARE)


def _neighbours(file: FileSequence) -> dict[int, int]:
    keys = file.keys
    return {
        index: index - 1
        for index in range(1, len(keys))
        if keys[index] == keys[index - 1] and _same_time(file, index, index - 1)
    }


def _repeated_questions(file: FileSequence) -> dict[int, int]:
    copies: dict[int, int] = {}
    asked: dict[Key, int] = {}
    for index, flags in enumerate(file.flags):
        if flags & ASSISTANT:
            asked.clear()
        elif flags & USER:
            if file.time(index) is None:
                continue
            first = asked.setdefault(file.keys[index], index)
            if first != index:
                copies[index] = first
    return copies


def _repeated_runs(file: FileSequence, row_keys: Sequence[Key]) -> dict[int, int]:
    """Return copies by runs: pairs of neighbours that S holds once and J more than once."""
    keys = file.keys
    pairs = list(pairwise(keys))
    often = {pair for pair, count in Counter(pairs).items() if count > 1}
    if not often:
        return {}
    held = Counter(pair for pair in pairwise(row_keys) if pair in often)
    first: dict[tuple[Key, Key], int] = {}
    copies: dict[int, int] = {}
    index = 0
    while index < len(pairs):
        pair = pairs[index]
        origin = first.setdefault(pair, index) if pair in often else index
        if origin == index or held[pair] != 1:
            index += 1
            continue
        length = 2
        while (
            index + length < len(keys)
            and origin + length < index
            and keys[index + length] == keys[origin + length]
            and held[pairs[index + length - 1]] == 1
        ):
            length += 1
        if origin + length <= index and not _is_own_turn(file, origin, index, length):
            copies.update({index + step: origin + step for step in range(length)})
        index += length - 1
    return copies


def _is_own_turn(file: FileSequence, origin: int, start: int, length: int) -> bool:
    """Whether a repeated run may be turns that a person had again, at times of their own.

    A turn is what shares one time. A re-appended list puts several turns under one time, or a part
    of one; a person's repetition is whole turns, with a user line only at their begin, and later.
    """
    stop = start + length
    if _splits_turn(file, start) or _splits_turn(file, stop):
        return False
    for index in range(start, stop):
        here, before = file.time(index), file.time(origin + index - start)
        if here is None or before is None:
            return True
        if here <= before + SLACK:
            return False
        begins = index == start or not _same_time(file, index, index - 1)
        if file.flags[index] & USER and not begins:
            return False
    return True


def _splits_turn(file: FileSequence, boundary: int) -> bool:
    """Whether the lines on both sides of a boundary belong to one turn."""
    if not 0 < boundary < len(file):
        return False
    return _same_time(file, boundary, boundary - 1)


TOGETHER = 2.0  # seconds between two rows of one burst
ENOUGH = 3  # bursts in a row that hold everything twice
PLACES = 8  # equal rows of one time that a replay is tried from
UNSHOWN = frozenset({"session_meta", "system"})  # no agent loads them, so no replay has them


@dataclass(frozen=True, slots=True)
class Repeats:
    """The rows that are there a second time, by id; ``proven``: they are whole replays."""

    copies: tuple[Message, ...] = ()
    proven: bool = False


def find_repeats(rows: Sequence[Message]) -> Repeats:
    """Return what is stored again among the rows that releases show of one session, by id."""
    spoken = [row for row in rows if row.role not in UNSHOWN]
    replays = list(_replays(spoken))
    if replays:
        copies = tuple(row for replay in replays for row in replay.rows)
        return Repeats(copies, all(replay.whole for replay in replays))
    return Repeats(tuple(_written_twice(spoken)))


@dataclass(frozen=True, slots=True)
class _Replay:
    """Rows that are there before in the same order; ``whole``: all that was loaded, exactly."""

    rows: tuple[Message, ...]
    whole: bool


def _replays(rows: Sequence[Message]) -> Iterator[_Replay]:
    distinct: list[Message] = []  # each message once, in order
    by_time: list[Message] = []  # the same as 0.17.0 loads it
    places: defaultdict[tuple[Hashable, float | None], list[int]] = defaultdict(list)
    loaded = 0  # how much of it there was when it was first stored again
    number = 0
    while number < len(rows):
        row = rows[number]
        begins = _begins(rows, number, places)
        orders = (distinct, by_time) if len(by_time) == len(distinct) else (distinct,)
        replay = _from(rows, number, orders, begins, loaded or len(distinct)) if distinct else None
        if replay is not None:
            loaded = loaded or len(distinct)
            number += len(replay.rows)
            yield replay
            continue
        places[row.key, row.at].append(len(distinct))
        distinct.append(row)
        if row.at is not None:
            insort(by_time, row, key=_time)
        number += 1


def _time(row: Message) -> float:
    return row.at if row.at is not None else 0.0


def _begins(
    rows: Sequence[Message], number: int, places: dict[tuple[Hashable, float | None], list[int]]
) -> list[int]:
    """Return where the row stands before, if the times of the session fall back to it."""
    row, before = rows[number], rows[number - 1] if number else None
    if before is None or row.at is None or before.at is None or row.at >= before.at:
        return []
    return places.get((row.key, row.at), [])


def _from(
    rows: Sequence[Message],
    number: int,
    orders: Sequence[Sequence[Message]],
    begins: Sequence[int],
    loaded: int,
) -> _Replay | None:
    """Return the longest replay that begins with row ``number``, a whole one before all others.

    ``orders`` are those in which the messages before it may have been loaded; ``begins`` are the
    places of the row in the first of them, none where the times do not fall: where the clock had
    been set back before, all may be there again all the same, which is no proof.
    """
    for distinct in orders:
        exact = _alike(rows, number, distinct, 0, exact=True)
        tells = _tells(distinct[:exact])
        if exact >= loaded and (begins or tells):
            return _Replay(tuple(rows[number : number + exact]), bool(begins) and tells)
    if not begins:
        return None
    counts = [_alike(rows, number, orders[0], place, exact=False) for place in begins[:PLACES]]
    longest = max(counts)
    return _Replay(tuple(rows[number : number + longest]), whole=False) if longest > 1 else None


def _alike(
    rows: Sequence[Message], number: int, distinct: Sequence[Message], place: int, *, exact: bool
) -> int:
    """Return how many rows from ``number`` on are those of ``distinct`` from ``place`` on."""
    count = 0
    while number + count < len(rows) and place + count < len(distinct):
        row, first = rows[number + count], distinct[place + count]
        if row.key != first.key or (exact and row.at != first.at):
            break
        count += 1
    return count


def _tells(distinct: Sequence[Message]) -> bool:
    """Whether rows with these times can only be a replay: two speakers, at two moments."""
    return len({row.role for row in distinct}) > 1 and len({row.at for row in distinct}) > 1


def _written_twice(rows: Sequence[Message]) -> Iterator[Message]:
    """Yield the second of each two where bursts in a row hold every message twice."""
    doubled = [(burst, _second(burst)) for burst in _bursts(rows)]
    for twice, group in groupby(doubled, key=lambda pair: bool(pair[1])):
        bursts = list(group)
        speakers = {row.role for burst, _ in bursts for row in burst}
        if twice and len(bursts) >= ENOUGH and len(speakers) > 1:
            yield from (row for _, second in bursts for row in second)


def _bursts(rows: Sequence[Message]) -> Iterator[list[Message]]:
    burst: list[Message] = []
    for row in rows:
        last = burst[-1].at if burst else None
        apart = row.at is None or last is None or abs(row.at - last) >= TOGETHER
        if burst and apart:
            yield burst
            burst = []
        burst.append(row)
    if burst:
        yield burst


def _second(burst: Sequence[Message]) -> list[Message]:
    """Return the second half of a burst A B A B, or of each pair in A A B B; else nothing."""
    half = len(burst) // 2
    if len(burst) % 2:
        return []
    for first, second in ((burst[:half], burst[half:]), (burst[::2], burst[1::2])):
        if [row.key for row in first] == [row.key for row in second]:
            return list(second)
    return []
