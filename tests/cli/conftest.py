"""Homes for the command line, and an environment that names no Hermes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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
def home(tmp_path: Path) -> Path:
    """Return a small damaged home of schema 14, alone in a folder."""
    return small_home(tmp_path / "alone" / "home", 14)
