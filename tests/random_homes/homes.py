"""From seeds to homes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

from tests.histories.acts import History, sampled
from tests.histories.play import grow
from tests.random_homes.judge import Figures, Judge, undamaged


def history_of(seed: int) -> History:
    """Return the acts that a seed stands for.

    Every other one is without damage, and every third home has two profiles.
    """
    [history] = sampled(
        seed, 1, before=range(2, 9), after=range(1, 5), hops=3, profile=seed % 3 == 0
    )
    if seed % 2:
        return history
    return tuple(step for step in history if undamaged((step,)))


def judged(seeds: Iterable[int]) -> Figures:
    """Make the homes of these seeds and judge what the commands do to each."""
    with ExitStack() as stack:
        judge = Judge(stack)
        for node in grow(map(history_of, seeds)):
            if node.against is None:  # else the player lost the truth (see table.py)
                judge.judge(node)
        return judge.figures
