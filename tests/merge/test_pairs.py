"""What two copies do after they went apart, merged by the command and judged by what is shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes_repair.app.environment import Run
from hermes_repair.app.merge_into_home import MergeRequest, merge
from hermes_repair.app.undo import undo
from hermes_repair.home.layout import open_home
from tests.in_process import fixed_environment
from tests.merge.homes import rows
from tests.merging.acts import RELEASES, acts_of, bases_of
from tests.merging.judge import judge
from tests.merging.play import Played, Player, playing
from tests.merging.table import compared

AGAINST = ("turn", "rotate, turn")
SOME = ("nothing", "turn", "again, turn", "undo, turn", "retry", "delete", "rotate, turn")


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with playing() as one:
        yield one


def sides(player: Player, release: str, base: str, acts: tuple[str, ...]) -> list[list[Played]]:
    """Return what the home did after they went apart, and what the source did."""
    return [
        [side for act in acts if (side := player.side(release, act, one))]
        for one in player.bases(release, base)
    ]


def wrong_with(player: Player, release: str, home: Played, source: Played, place: Path) -> str:
    """Merge one into the other; return what is wrong, in words, with the pair."""
    target = place / "home"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(home.home, target)
    run = Run(open_home(target), fixed_environment(place))
    before = rows(target)
    found = compared(home.home, source.home)
    done = merge(run, MergeRequest((source.home,)), lambda _: True)
    assert not done.refused and done.stopped is None, (done.refused, done.stopped)
    shown, marks = player.read(release, target)
    answer = judge(home, source, found, shown, marks)
    again = merge(run, MergeRequest((source.home,)), lambda _: True)
    problems = [f"{answer}"] if answer.wrong else []
    if again.receipt is not None:
        problems.append("a second merge found more to do")
    if done.receipt is not None:
        undo(run, None, lambda _: True)
        if rows(target) != before:
            problems.append("undo left something")
    return f"{release}: {home.acts} <- {source.acts}: {problems}" if problems else ""


@pytest.mark.parametrize("release", ["0.14.0", "0.19.0"])
def test_some_acts_against_each_other(release: str, player: Player, tmp_path: Path) -> None:
    homes, sources = sides(player, release, "two chats", SOME)
    pairs = [(h, s) for i, h in enumerate(homes) for j, s in enumerate(sources) if (i + j) % 3 == 1]
    wrong = [wrong_with(player, release, home, source, tmp_path) for home, source in pairs]
    assert not list(filter(None, wrong))


@pytest.mark.long
@pytest.mark.parametrize("release", RELEASES)
def test_every_act_against_two(release: str, player: Player, tmp_path: Path) -> None:
    wrong = []
    for base in bases_of(release):
        homes, sources = sides(player, release, base, acts_of(release))
        wrong += [
            wrong_with(player, release, home, source, tmp_path)
            for home in homes
            for source in sources
            if home.acts in AGAINST or source.acts in AGAINST
        ]
    assert not list(filter(None, wrong))
