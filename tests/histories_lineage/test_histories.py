"""Lineage repairs that are SAFE are right in every history of the real releases."""

from __future__ import annotations

from itertools import chain, cycle
from pathlib import Path

import pytest

from tests.histories_lineage.acts import CLOCKS, SURFACES, sampled, systematic, updated
from tests.histories_lineage.judge import Table, tabulate
from tests.histories_lineage.play import play, play_updated
from tests.releases import RELEASES


# Each release on one surface, in turn; `make long` takes every release on each.
@pytest.mark.parametrize(("release", "surface"), list(zip(RELEASES, cycle(SURFACES), strict=False)))
def test_one_act_and_some_at_random(release: str, surface: str, tmp_path: Path) -> None:
    chosen = [*systematic(1), *sampled(release, 1, 5)]
    right(tabulate(play(release, surface, "fine", chosen, tmp_path / "homes")), len(chosen))


UPDATES = (("0.14.0", "0.16.0"), ("0.15.2", "0.17.0"), ("0.16.0", "0.19.0"))
ONCE_WRONG = (
    # What is left beside an empty continuation is a delegate's run of a chat that a crash closed.
    (
        ("turn", "turn", "killed:end", "delegate", "retry"),
        ("quick", "undoall", "killed:first"),
    ),
    # An empty run of a chat that a crash closed, and an empty part of a run.
    (("turn", "turn", "killed:end", "delegate:asked"), ("turn",)),
    (("turn", "turn", "delegate:rotated"), ("turn",)),
    # The chat of such a run is deleted: the run is left without a parent.
    (("turn", "turn", "delegate:rotated", "delete:first"), ("turn",)),
)


@pytest.mark.parametrize("surface", SURFACES)
def test_an_update_in_the_middle(surface: str, tmp_path: Path) -> None:
    releases = UPDATES[1]
    chosen = [*ONCE_WRONG, *updated(releases, 1, 4)]
    right(
        tabulate(play_updated(releases, surface, "fine", chosen, tmp_path / "homes")), len(chosen)
    )


@pytest.mark.long
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("releases", UPDATES)
def test_many_with_an_update(
    releases: tuple[str, str], surface: str, clock: str, tmp_path: Path
) -> None:
    chosen = list(updated(releases, 2, 150))
    right(tabulate(play_updated(releases, surface, clock, chosen, tmp_path / "homes")), len(chosen))


@pytest.mark.long
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("release", RELEASES)
def test_two_acts_and_many_at_random(
    release: str, surface: str, clock: str, tmp_path: Path
) -> None:
    chosen = list(chain(systematic(2), sampled(release, 2, 200)))
    right(tabulate(play(release, surface, clock, chosen, tmp_path / "homes")), len(chosen))


def right(table: Table, histories: int) -> None:
    """Assert that all were judged, that something was said and repaired, and nothing wrongly."""
    print("\n".join(table.lines()))
    assert table.wrong == []
    assert table.histories == histories
    assert table.said
    assert table.repaired
