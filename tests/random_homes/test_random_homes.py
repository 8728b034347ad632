"""No repair revives, hides or doubles a message, on any home that the releases can make."""

from __future__ import annotations

import os
import random

import pytest

from tests.random_homes.homes import judged

PART = 8
PARTS = 3
LONG = int(os.environ.get("HERMES_REPAIR_SEEDS", "2000"))


@pytest.mark.parametrize("part", range(PARTS))
def test_random_homes(part: int) -> None:
    figures = judged(range(part * PART, (part + 1) * PART))
    assert figures.homes >= PART // 3  # a history that cannot be played to its end is left out
    assert not figures.violations, "\n".join(figures.lines())


@pytest.mark.long
def test_new_random_homes() -> None:
    first = random.SystemRandom().randrange(10**9)
    figures = judged(range(first, first + LONG))
    print(f"seeds from {first}: {next(figures.lines())}")
    assert not figures.violations, "\n".join([f"seeds from {first}", *figures.lines()])
