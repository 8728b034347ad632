"""The acts of histories, and how histories are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import TypeAlias

History: TypeAlias = tuple[str, ...]

BEGUN = ("turn", "turn")
ACTS = (
    "turn",
    "polls",
    "rotate",
    "delegate",
    "branch",
    "undo",
    "undoall",
    "delete:tip",
    "killed:end",
    "killed:first",
)
"""The acts of the systematic set; each is a method of ``Environment``."""
MORE = (
    "quick",
    "quicksame",
    "same",
    "twice",
    "tool",
    "other",
    "lost",
    "cold",
    "killed:before",
    "killed:child",
    "delegate:asked",
    "delegate:rotated",
    "race",
    "retry",
    "gatewaybranch",
    "sidebranch",
    "new",
    "end",
    "resume",
    "resumefirst",
    "delete:first",
    "delete:branch",
    "delete:delegate",
    "leave",
    "prompt",
    "back",
    "week",
)
"""Those that the random sets have beside."""
SINCE = {"compact": (0, 18, 0), "sweep": (0, 16, 0), "import": (0, 19, 0)}
SURFACES = ("cli", "gateway")
CLOCKS = ("fine", "coarse", "frozen")


def systematic(length: int) -> Iterator[History]:
    """Yield every history of up to ``length`` acts after two turns."""
    for count in range(1, length + 1):
        for acts in product(ACTS, repeat=count):
            yield (*BEGUN, *acts)


def sampled(release: str, seed: int, count: int) -> Iterator[History]:
    """Yield ``count`` histories of two to seven acts at random, of all that the release has."""
    draw, acts = Random(seed), possible(release)
    for _ in range(count):
        yield (*BEGUN, *draw.choices(acts, k=draw.randint(2, 7)))


def updated(releases: tuple[str, str], seed: int, count: int) -> Iterator[tuple[History, History]]:
    """Yield ``count`` histories with an update in the middle, as what comes before and after it."""
    draw = Random(seed)
    before, after = map(possible, releases)
    for _ in range(count):
        first = draw.choices(before, k=draw.randint(1, 4))
        yield (*BEGUN, *first), tuple(draw.choices(after, k=draw.randint(1, 4)))


def possible(release: str) -> list[str]:
    """Return every act of a release."""
    number = tuple(map(int, release.split(".")))
    return [*ACTS, *MORE, *(act for act, since in SINCE.items() if number >= since)]
