"""Every start shape × every target through the command line, beside the real release (R7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.homes.database import OLD_FIXTURES
from tests.migrations.table import travel, ways

CRASHES = {("v20first", 22)}
"""Starts that the real release does not survive (IntegrityError on open, 0.19.0)."""
SHORT = {(fixture, 22) for fixture in ("v1", "v7alt", "v10b", "0.13.0", "v20first", "0.19.0")} | {
    ("0.15.2", 14),
    ("v10", 14),
    ("v14first", 16),
}
"""The short form has one start of each kind; the same ways are tried without the command line in
``tests/releases/test_schema_routes.py``."""


@pytest.mark.parametrize(
    ("fixture", "target"),
    [
        pytest.param(fixture, target, marks=() if (fixture, target) in SHORT else pytest.mark.long)
        for fixture, target in ways()
    ],
)
def test_the_same_as_the_real_release(fixture: str, target: int, tmp_path: Path) -> None:
    made = travel(fixture, target, tmp_path)
    assert made.structure == ()
    assert made.rows == ()
    assert made.crashed == ((fixture, target) in CRASHES)
    assert made.left == 0 or OLD_FIXTURES[fixture] < 16 <= target
