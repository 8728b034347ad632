"""Hundreds of homes with anything in them; ``make long`` tries 100,000.

A failure names its number: ``python -m tests.fuzz NUMBER`` makes that home again and keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.forked import base_homes, failures

SHORT = 240
LONG = 100_000


@pytest.fixture(scope="module")
def bases() -> Iterator[list[Path]]:
    with base_homes() as made:
        yield made


def parts(count: int, size: int) -> list[range]:
    return [range(first, first + size) for first in range(0, count, size)]


def first_of(seeds: range) -> str:
    return str(seeds.start)


@pytest.mark.parametrize("seeds", parts(SHORT, 30), ids=first_of)
def test_any_home(seeds: range, bases: list[Path]) -> None:
    """Exit codes are documented and never 3, looking changes nothing, nothing is lost."""
    found = [str(failure) for failure in failures(seeds, bases)]
    assert found == [], "\n".join(found)


@pytest.mark.long
@pytest.mark.parametrize("seeds", parts(LONG, 500), ids=first_of)
def test_any_of_many_homes(seeds: range, bases: list[Path]) -> None:
    found = [str(failure) for failure in failures(seeds, bases)]
    assert found == [], "\n".join(found)
