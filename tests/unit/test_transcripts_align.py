"""Matching two sequences: exact, in order, and never for ever."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.transcripts.align import align, fit, fits_left, fits_right

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


def common(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the length of a longest common subsequence by the textbook table."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            longer = max(table[i][j + 1], table[i + 1][j])
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else longer
    return table[-1][-1]


@given(WORDS, WORDS)
def test_alignment_is_a_longest_common_subsequence(left: list[str], right: list[str]) -> None:
    pairs = align(left, right)
    assert pairs is not None
    assert all(left[i] == right[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    assert len(pairs) == common(left, right)


@given(WORDS, WORDS, st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11))))
def test_fits_are_places_in_order(
    short: list[str], long: list[str], liked: set[tuple[int, int]]
) -> None:
    is_part = common(short, long) == len(short)
    left, right = fits_left(short, long), fits_right(short, long)
    places = fit(short, long, lambda i, j: (i, j) in liked)
    for found in (left, right, places):
        assert (found is not None) == is_part
        if found is not None:
            assert [long[place] for place in found] == short
            assert found == sorted(set(found))
    if left is not None and right is not None and places is not None:
        assert all(a <= b <= c for a, b, c in zip(left, places, right, strict=True))


def test_a_choice_follows_the_preference() -> None:
    long = ["ok", "a", "ok", "b", "ok"]
    assert fit(["ok"], long, lambda i, j: j == 2) == [2]
    assert fit(["ok"], long, lambda i, j: False) == [4]
    assert fit(["ok", "b"], long, lambda i, j: True) == [0, 3]
    assert fit(["b", "a"], long, lambda i, j: True) is None


def test_a_hundred_thousand_messages_do_not_hang() -> None:
    size = 100_000
    numbers = random.Random(1)
    same = list(range(size))
    shuffled = numbers.sample(same, size)
    begin = time.perf_counter()
    assert align([f"a{n}" for n in same], [f"b{n}" for n in same]) == []
    assert align(same, shuffled) is None
    coins, other = ([numbers.randrange(2) for _ in same] for _ in range(2))
    assert align(coins, other) is None
    holes = [number for number in same if number % 100]
    found = align(same, holes)
    assert found is not None and len(found) == len(holes)
    repeated = [number % 7 for number in same]
    gone = [number for index, number in enumerate(repeated) if index % 997]
    found = align(repeated, gone)
    assert found is not None and len(found) == len(gone)
    assert time.perf_counter() - begin < 20
