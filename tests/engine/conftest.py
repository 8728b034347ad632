"""A small damaged home for every test of the engine, and the world it lies in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermes_repair.app.environment import Environment
from tests.homes.content import fast_folder
from tests.homes.small import small_home
from tests.in_process import fixed_environment


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a small damaged home of schema 14, alone in a folder where fsync costs nothing."""
    with tempfile.TemporaryDirectory(prefix="engine-", dir=fast_folder()) as folder:
        yield small_home(Path(folder) / "home", 14)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Return a world whose clock stands still, without an installed Hermes."""
    return fixed_environment(tmp_path)
