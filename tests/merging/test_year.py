"""A year of two or three machines that merge each other, written and read by the real release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.merging.year import year


@pytest.mark.parametrize("seed", [0, 1])
def test_a_year(seed: int, tmp_path: Path) -> None:
    assert not year(tmp_path, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_many_years(seed: int, tmp_path: Path) -> None:
    assert not year(tmp_path, seed)
