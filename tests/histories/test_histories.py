"""SAFE is what was never wrong about histories that the releases made.

The short form plays the histories that once were wrong, some that must be SAFE and a small sample;
``make long`` plays every short history of the usual acts and samples of all acts (an hour or two).
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from hermes_repair.transcripts import proofs
from tests.histories.acts import History, read, sampled, spelled, systematic
from tests.histories.judge import Fate, Right, judge
from tests.histories.play import grow
from tests.histories.table import Table, lines, tabulate
from tests.releases import RELEASES, release

ONCE_WRONG = (
    # A child says nothing about what was taken out before it.
    "0.14.0: turn, turn, turn, delete | 0.15.2: update, turn, delegate",
    "0.14.0: turn, turn, turn, delete | 0.19.0: update, turn, delegate",
    "0.14.0: turn, delete, turn, delegate",
    "0.14.0: turn, lost, retry, delegate",
    "0.14.0: turn, turn, turn | 0.15.2: update, undo, undo, undo, turn, delegate",
    "0.14.0: turn, turn, turn | 0.16.0: update, retry, delegate | 0.18.2: update, inplace",
    "0.14.0: lost, branch, turn | 0.18.2: update, retry",
    # A compression says nothing about what was flushed before it.
    "0.14.0: turn, turn, turn | 0.15.2: update, undo, undo, undo, turn, rotate",
    # The first message is not the first of its time.
    "0.14.0: turn, delete, b turn, b turn | 0.19.0: update, move",
    "0.14.0: ahead, b turn, behind, behind, turn, delete, b turn | 0.15.2: update",
    # A tail that was undone, in one block and in several.
    "0.14.0: turn, turn | 0.15.2: update, undo",
    "0.14.0: turn, b turn, turn, b turn | 0.17.0: update, edit",
    "0.14.0: turn, turn | 0.19.0: update, undo, export, erase, import",
)
MUST_BE_SAFE = (
    "0.14.0: lost, turn, turn | 0.15.2: update, turn",
    "0.13.0: turn, lost, turn | 0.14.0: update, turn | 0.16.0: update",
    "0.14.0: lost, lost | 0.18.2: update, turn",
    "0.14.0: turn, copy, turn, restore | 0.17.0: update, turn",
    "0.14.0: turn, b turn, turn, b turn, lost | 0.19.0: update, turn",
    "0.14.0: lost, turn, delegate | 0.15.2: update, turn",
)
SEED = 20261121
SHORT = 40
LONG = 1500


@pytest.fixture(scope="module", autouse=True)
def _wheels() -> None:
    for version in RELEASES:
        release(version)


def right(histories: Iterable[History]) -> Table:
    """Return the table of these histories; assert that nothing in it is wrong."""
    table = tabulate(histories)
    said = "\n".join(lines(table))
    assert table.against == [], said
    assert table.wrong == [], said
    assert table.alarmed == [], said
    assert table.misdated == [], said
    assert table.doubled == [], said
    return table


def test_what_once_was_wrong_is_not_safe() -> None:
    table = right(map(read, ONCE_WRONG))
    assert (table.histories, table.total("SAFE right")) == (len(ONCE_WRONG), 0)


def test_the_table_sees_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "_taken_out", lambda *_: None)
    table = tabulate(map(read, ONCE_WRONG[:2]))
    assert len(table.wrong) == len(table.alarmed) == 2


def test_plain_losses_are_safe() -> None:
    played = 0
    for node in grow(map(read, MUST_BE_SAFE)):
        lost = [outcome for outcome in judge(node) if outcome.fate is Fate.LOST]
        said = [(outcome.comparison.safe, outcome.right) for outcome in lost]
        assert said == [(True, Right.WHOLE)], spelled(node.history)
        played += 1
    assert played == len(MUST_BE_SAFE)


def test_a_sample_of_all_acts() -> None:
    table = right(sampled(SEED, SHORT, before=(1, 2, 3, 4), after=(0, 1, 2)))
    assert table.total("SAFE right") > 0


@pytest.mark.long
def test_every_short_history_of_the_usual_acts() -> None:
    table = right(systematic(2, 1))
    assert table.total("SAFE right") > 500


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 9))
def test_samples_of_all_acts(seed: int) -> None:
    table = right(sampled(seed, LONG, before=(1, 2, 3, 4, 5), after=(0, 1, 2, 3)))
    assert table.total("SAFE right") > 100
