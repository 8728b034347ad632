"""Messages that are stored again: whole replays, parts of them, two writers, and what is none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_repair.lineage.compared_messages import Message
from hermes_repair.transcripts.repeats import Repeats, find_repeats

AT = 1_780_000_000.25
Said = tuple[str, str, float]

TURNS: list[Said] = [
    ("user", "a", AT),
    ("assistant", "b", AT + 3.5),
    ("user", "c", AT + 60.5),
    ("assistant", "d", AT + 63.5),
]
LATER: list[Said] = [("user", "e", AT + 90), ("assistant", "f", AT + 95)]


def shown(*said: Said) -> list[Message]:
    return [
        Message(n, role, f"{role}: {text}".encode(), at) for n, (role, text, at) in enumerate(said)
    ]


def copies(*said: Said) -> tuple[list[int], bool]:
    found: Repeats = find_repeats(shown(*said))
    return [row.id for row in found.copies], found.proven


def late(said: list[Said], seconds: float) -> list[Said]:
    return [(role, text, at + seconds) for role, text, at in said]


def test_a_history_that_was_stored_again() -> None:
    assert copies(*TURNS, *TURNS, *LATER) == ([4, 5, 6, 7], True)
    assert copies(*TURNS, *TURNS, *TURNS) == ([4, 5, 6, 7, 8, 9, 10, 11], True)
    # With every turn again: all that was there when it was loaded.
    grows = [*TURNS[:2], *TURNS, *TURNS, *LATER]
    assert copies(*grows) == ([2, 3, 6, 7, 8, 9], True)
    # The question that was waiting is stored by each of two agents, each at its own moment.
    asked = ("user", "e", AT + 80)
    assert copies(*TURNS, *TURNS, asked, *TURNS, ("user", "e", AT + 81)) == (
        [4, 5, 6, 7, 9, 10, 11, 12],
        True,
    )


def test_after_a_clock_that_was_set_back_it_is_said_and_not_proven() -> None:
    """There the first message of what is stored again is later than the row before it."""
    back = late(LATER, -3600.0)
    assert copies(*TURNS, *TURNS, *back, *TURNS, *back) == (
        [4, 5, 6, 7, 10, 11, 12, 13, 14, 15],
        False,
    )
    at_once = [(role, text, AT) for role, text, _ in TURNS]
    assert copies(*at_once, *at_once) == ([], False)


def test_what_no_agent_loads_is_not_stored_again() -> None:
    meta = ("session_meta", "", AT + 4)
    assert copies(*TURNS[:2], meta, *TURNS[2:], *TURNS) == ([5, 6, 7, 8], True)


def test_0_17_0_loads_by_time() -> None:
    """There a summary, which is newer than the copies around it, is loaded after them."""
    head, tail = TURNS[:2], TURNS[2:]
    summary = ("user", "[CONTEXT COMPACTION", AT + 70)
    replay = [*head, *tail, summary]
    assert copies(*head, summary, *tail, *replay) == ([5, 6, 7, 8, 9], True)


@pytest.mark.parametrize(
    "again",
    [
        TURNS[:2],  # the rest of it was taken back
        TURNS[2:],  # its beginning is not there
        [TURNS[0], ("assistant", "b", AT + 70.5), *TURNS[2:]],  # a time of its own
    ],
)
def test_a_part_of_it_proves_nothing(again: list[Said]) -> None:
    found, proven = copies(*TURNS, *again)
    assert found == list(range(4, 4 + len(again)))
    assert not proven


def test_one_speaker_or_one_moment_proves_nothing() -> None:
    alone = [("user", "a", AT), ("user", "b", AT + 5)]
    assert copies(*alone, *alone) == ([2, 3], False)
    still = [("user", "a", AT), ("assistant", "b", AT)]
    assert copies(*still, *still) == ([], False)  # a clock that stands still


def test_times_that_do_not_fall_back_are_said_again() -> None:
    polls = [("user", "go", AT)] + [("assistant", "", AT), ("tool", "ok", AT)] * 5
    assert copies(*polls) == ([], False)
    rewritten = [
        (role, text, AT + number * 1e-6)
        for number, (role, text, _) in enumerate([*TURNS, *TURNS, *TURNS])
    ]
    assert copies(*rewritten) == ([], False)
    assert copies(*TURNS, *late(TURNS, 600)) == ([], False)
    assert copies(*TURNS, *late(TURNS, -3600)) == ([], False)  # the clock was set back


def test_two_writers() -> None:
    pairs = [(r, t, at + more) for r, t, at in TURNS for more in (0.0, 0.03)]
    assert copies(*pairs) == ([1, 3, 5, 7], False)
    runs = [one for turn in (TURNS[:2], TURNS[2:], LATER) for one in turn]
    together = [(r, t, AT + n // 2 * 60) for n, (r, t, _) in enumerate(runs)]
    twice = [
        (r, t, at + more)
        for number in (0, 2, 4)
        for more in (0.0, 0.03)
        for r, t, at in together[number : number + 2]
    ]
    assert copies(*twice) == ([2, 3, 6, 7, 10, 11], False)
    assert copies(*pairs[:4]) == ([], False)  # two bursts are too few
    assert copies(*[("user", "ok", AT + n // 2 * 9) for n in range(12)]) == ([], False)
    slow = [(r, t, at + more) for r, t, at in TURNS for more in (0.0, 2.5)]
    assert copies(*slow) == ([], False)


times = st.sampled_from([AT, AT + 1, AT + 5, AT + 60, AT + 61])
rows = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from("xyz"), times), max_size=40
)


@given(rows)
def test_a_copy_is_of_one_that_stays(said: list[Said]) -> None:
    everything = shown(*said)
    found = find_repeats(everything)
    gone = {row.id for row in found.copies}
    assert {row.key for row in everything if row.id not in gone} == {row.key for row in everything}
    if found.proven:
        kept = {(row.key, row.at) for row in everything if row.id not in gone}
        assert {(row.key, row.at) for row in found.copies} <= kept


@given(rows)
def test_rising_times_prove_nothing(said: list[Said]) -> None:
    rising = sorted(said, key=lambda one: one[2])
    assert all(before[2] <= after[2] for before, after in pairwise(rising))
    assert not find_repeats(shown(*rising)).proven


def test_many_rows_take_linear_time() -> None:
    found = find_repeats(shown(*[one for _ in range(20_000) for one in TURNS]))
    assert len(found.copies) == 4 * 19_999
