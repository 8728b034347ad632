"""Which lines of a file repeat others of it and must never be counted or filled twice.

Gateways wrote some lines more than once: double writers (Hermes #860), a user line for every failed
attempt, and after a rotation in 0.13/0.14 the whole compacted list again. Such a line may match a
row, but it is not missing where no row matches it. A person who says the same twice is told from
that by time: a turn of its own, later than the first one, is no copy. A line without a time is
never a copy: /undo of 0.13 and 0.14 rewrites whole files so, and six times "ok" was said six times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

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
