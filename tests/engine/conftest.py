"""A small damaged home for every test of the engine, and the world it lies in."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.app.environment import Environment
from tests.homes.small import small_home
from tests.in_process import fixed_environment


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a small damaged home of schema 14, alone in a folder."""
    return small_home(tmp_path / "alone" / "home", 14)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Return a world whose clock stands still, without an installed Hermes."""
    return fixed_environment(tmp_path)
