"""Order-preserving matches between two sequences of keys, in bounded time and memory.

Three questions, each near-linear on near-equal sequences: is one a subsequence of the other, where
do its elements fit, and what is the longest common subsequence where neither is.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

MAX_EDITS = 2000
"""Differences within one stretch beyond which no longest common subsequence is sought."""


def fits_left(short: Sequence[Hashable], long: Sequence[Hashable]) -> list[int] | None:
    """Return the leftmost places of ``short`` in ``long``, or ``None`` if it is no subsequence."""
    places = []
    position = 0
    size = len(long)
    for key in short:
        while position < size and long[position] != key:
            position += 1
        if position == size:
            return None
        places.append(position)
        position += 1
    return places


def fits_right(short: Sequence[Hashable], long: Sequence[Hashable]) -> list[int] | None:
    """Return the rightmost places of ``short`` in ``long``, or ``None``."""
    places = []
    position = len(long) - 1
    for key in reversed(short):
        while position >= 0 and long[position] != key:
            position -= 1
        if position < 0:
            return None
        places.append(position)
        position -= 1
    return places[::-1]


def fit(
    short: Sequence[Hashable],
    long: Sequence[Hashable],
    prefers: Callable[[int, int], bool],
) -> list[int] | None:
    """Return places of ``short`` in ``long``, the preferred ones where a choice is left.

    Where equal keys leave a choice, element ``i`` goes to the first place ``j`` for which
    ``prefers(i, j)`` holds, else to the rightmost one. ``None`` if ``short`` is no subsequence.
    """
    left = fits_left(short, long)
    right = fits_right(short, long)
    if left is None or right is None:
        return None
    where: dict[Hashable, list[int]] = {}
    for index in range(len(short)):
        if left[index] != right[index]:
            where.setdefault(short[index], [])
    if where:
        for place, key in enumerate(long):
            if key in where:
                where[key].append(place)
    places: list[int] = []
    previous = -1
    for index, key in enumerate(short):
        chosen = right[index]
        lowest = max(previous + 1, left[index])
        if lowest < chosen:
            options = where[key]
            for option in options[bisect_left(options, lowest) : bisect_left(options, chosen)]:
                if prefers(index, option):
                    chosen = option
                    break
        places.append(chosen)
        previous = chosen
    return places


def align(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]] | None:
    """Return a longest common subsequence as ascending pairs of indexes.

    ``None`` where the two differ in more than ``MAX_EDITS`` places after what is only in one of
    them is set aside: they are different conversations, and searching on could take for ever.
    """
    shared = Counter(left).keys() & Counter(right).keys()
    a = [index for index, key in enumerate(left) if key in shared]
    b = [index for index, key in enumerate(right) if key in shared]
    numbers: dict[Hashable, int] = {}
    ka = [numbers.setdefault(left[index], len(numbers)) for index in a]
    kb = [numbers.setdefault(right[index], len(numbers)) for index in b]
    start = 0
    stop = min(len(ka), len(kb))
    while start < stop and ka[start] == kb[start]:
        start += 1
    tail = 0
    while tail < stop - start and ka[-1 - tail] == kb[-1 - tail]:
        tail += 1
    middle = _shortest_edit(ka[start : len(ka) - tail], kb[start : len(kb) - tail])
    if middle is None:
        return None
    pairs = [(a[index], b[index]) for index in range(start)]
    pairs += [(a[start + i], b[start + j]) for i, j in middle]
    pairs += [(a[len(a) - tail + i], b[len(b) - tail + i]) for i in range(tail)]
    return pairs


def _shortest_edit(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]] | None:
    """Return the common subsequence that Myers' greedy O(ND) algorithm finds; ``None`` as above."""
    n, m = len(a), len(b)
    if not n or not m:
        return []
    if abs(n - m) > MAX_EDITS:
        return None
    reach = array("q", [0]) * (2 * min(MAX_EDITS, n + m) + 3)
    middle = len(reach) // 2
    trace: list[array[int]] = []
    for edits in range(min(MAX_EDITS, n + m) + 1):
        trace.append(reach[middle - edits - 1 : middle + edits + 2])
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and reach[middle + diagonal - 1] < reach[middle + diagonal + 1]
            )
            x = reach[middle + diagonal + 1] if down else reach[middle + diagonal - 1] + 1
            y = x - diagonal
            while x < n and y < m and a[x] == b[y]:
                x += 1
                y += 1
            reach[middle + diagonal] = x
            if x >= n and y >= m:
                return _walk_back(trace, n, m)
    return None


def _walk_back(trace: list[array[int]], n: int, m: int) -> list[tuple[int, int]]:
    """Return the matches on the path that ``trace`` holds, in ascending order."""
    pairs: list[tuple[int, int]] = []
    x, y = n, m
    for edits in range(len(trace) - 1, -1, -1):
        from_x = from_y = start = 0
        if edits:
            reach, middle, diagonal = trace[edits], edits + 1, x - y
            down = diagonal == -edits or (
                diagonal != edits and reach[middle + diagonal - 1] < reach[middle + diagonal + 1]
            )
            before = diagonal + 1 if down else diagonal - 1
            from_x = reach[middle + before]
            from_y = from_x - before
            start = from_x if down else from_x + 1
        while x > start:
            x -= 1
            y -= 1
            pairs.append((x, y))
        x, y = from_x, from_y
    return pairs[::-1]
