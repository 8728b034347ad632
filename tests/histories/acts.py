"""The acts of histories, which release does which, and how histories are chosen from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from typing import NamedTuple, TypeAlias


class Step(NamedTuple):
    """One act in one release (``release_side/player.py`` says what each does)."""

    release: str
    act: str


History: TypeAlias = tuple[Step, ...]

WITH_FILES = ("0.13.0", "0.14.0")
"""The releases that write transcripts."""
LATER = ("0.15.2", "0.16.0", "0.17.0", "0.18.0", "0.18.2", "0.19.0")

LOSSES = frozenset(
    [
        "lost",
        "again_lost",
        "half",
        "unmade",
        "torn_undo",
        "restore",
        "replace",
        "move",
        "move_sorted",
        "unfiled",
        "observed_lost",
    ]
)
"""Acts after which a home is not undamaged, whatever the person wanted."""


def spelled(history: History) -> str:
    """Return a history as text: ``0.14.0: turn, undo | 0.19.0: update, turn``."""
    parts: list[str] = []
    release = ""
    for step in history:
        if step.release != release:
            release = step.release
            parts.append(f"{release}: {step.act}")
        else:
            parts[-1] += f", {step.act}"
    return " | ".join(parts)


def read(text: str) -> History:
    """Return the history that is spelled so."""
    return tuple(
        Step(release.strip(), act.strip())
        for part in text.split("|")
        for release, _, acts in [part.partition(":")]
        for act in acts.split(",")
    )


BEGINNINGS = ("turn", "tools", "again", "lost", "half", "unmade", "unfiled", "b turn")
"""What a history begins with; the rest needs something that was said."""

USUAL = [
    "turn",
    "again",
    "lost",
    "unmade",
    "undo",
    "retry",
    "reset",
    "delete",
    "erase",
    "rotate",
    "delegate",
    "branch",
    "end",
    "copy",
    "restore",
    "replace",
]
"""The acts of the systematic sets."""
RARE = [
    "tools",
    "half",
    "again_lost",
    "woven",
    "failed_retry",
    "compress",
    "woven_branch",
    "resume",
    "ahead",
    "behind",
    "travel",
    "prune",
]
QUICK = ["quick turn", "quick again", "quick lost", "quick undo", "quick retry", "quick delete"]
OTHERS = ["b turn", "b lost", "b undo", "b retry", "b delete", "b rotate", "b branch"]
OBSERVED = ["observed", "observed_again", "b observed"]
LONE = ["lone", "lone_call", "observed_lone"]
"""Acts with half of a surrogate pair, which not every release can store."""
ONLY_WITH_FILES = ["torn_undo", "unfiled", "observed_lost"]
PROFILE = [
    "clone",
    "p turn",
    "p again",
    "p lost",
    "p undo",
    "p retry",
    "p delete",
    "p erase",
    "p rotate",
    "p delegate",
    "p branch",
    "p copy",
    "p restore",
    "p replace",
    "p observed",
    "p prune",
]
"""Acts in the other profile, and the one that makes it a copy of the first."""
SINCE = {
    "edit": "0.16.0",
    "b edit": "0.16.0",
    "inplace": "0.18.0",
    "export": "0.19.0",
    "import": "0.19.0",
    "move": "0.19.0",
    "move_sorted": "0.19.0",
}


def usual(release: str) -> list[str]:
    """Return the acts of a release that the systematic sets go through."""
    return USUAL + [act for act, since in SINCE.items() if _has(release, since) and " " not in act]


def possible(release: str) -> list[str]:
    """Return every act of a release."""
    found = [*USUAL, *RARE, *QUICK, *OTHERS, *OBSERVED, *LONE]
    if release in WITH_FILES:
        return found + ONLY_WITH_FILES
    return found + [act for act, since in SINCE.items() if _has(release, since)]


def _has(release: str, since: str) -> bool:
    return _number(release) >= _number(since)


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def systematic(before: int, after: int, old: str = "0.14.0") -> Iterator[History]:
    """Yield every history of the usual acts: ``before`` with files, then an update and ``after``.

    Each beginning of one is in it too.
    """
    firsts = [act for act in BEGINNINGS if act in USUAL]
    for count in range(before):
        for acts in product(firsts, *[usual(old)] * count):
            receipt_history = tuple(Step(old, act) for act in acts)
            yield receipt_history
            for release in LATER:
                for more in range(after + 1):
                    for following in product(usual(release), repeat=more):
                        yield (
                            *receipt_history,
                            Step(release, "update"),
                            *(Step(release, a) for a in following),
                        )


def sampled(
    seed: int,
    count: int,
    before: Sequence[int],
    after: Sequence[int],
    hops: int = 2,
    profile: bool = False,
) -> list[History]:
    """Return ``count`` histories at random from every act of every release.

    ``before`` and ``after`` are how many acts there may be with files, and after each of up to
    ``hops`` updates; ``profile``: the home has another profile. Sorted, so that those that begin
    alike lie together.
    """
    draw = Random(seed)
    found: set[History] = set()
    while len(found) < count:
        old = draw.choice(WITH_FILES)
        history = [Step(old, draw.choice(BEGINNINGS))]
        for _ in range(draw.choice(before) - 1):
            history.append(_drawn(draw, old, history, profile))
        for release in sorted(draw.sample(LATER, draw.randint(0, hops)), key=_number):
            history.append(Step(release, "update"))
            for _ in range(draw.choice(after)):
                history.append(_drawn(draw, release, history, profile))
        found.add(tuple(history))
    return sorted(found)


_NEEDS = {"restore": "copy", "p restore": "p copy", "import": "export"}


def _drawn(draw: Random, release: str, before: Sequence[Step], profile: bool) -> Step:
    """Return an act at random for which what it needs was done."""
    done = {step.act for step in before}
    every = [*possible(release), *(PROFILE if profile else ())]
    acts = [act for act in every if _NEEDS.get(act, "turn") in {*done, "turn"}]
    return Step(release, draw.choice(acts))
