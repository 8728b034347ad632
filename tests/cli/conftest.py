"""Homes for the command line, and an environment that names no Hermes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes.content import fast_folder
from tests.homes.small import small_home


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Take away what the environment of this machine says about Hermes."""
    for name in list(os.environ):
        if name.startswith("HERMES_"):
            monkeypatch.delenv(name)
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("TZ", "UTC")
    yield


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a small damaged home of schema 14, alone in a folder where fsync costs nothing."""
    with tempfile.TemporaryDirectory(prefix="cli-", dir=fast_folder()) as folder:
        yield small_home(Path(folder) / "home", 14)
