"""The home of the main scenario (``build``), its judges (``judge``), its locks (``locks``)."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.scenario.build import build_scenario
from tests.scenario.model import (
    ASKED,
    CASES,
    HEALTHY,
    LOST,
    RESTORED,
    STAYS,
    WENT_ON,
    WHOLE,
    Chat,
    Fork,
    Scenario,
)

__all__ = [
    "ASKED",
    "CASES",
    "HEALTHY",
    "LOST",
    "RESTORED",
    "STAYS",
    "WENT_ON",
    "WHOLE",
    "Chat",
    "Fork",
    "Scenario",
    "build_scenario",
    "copy_home",
    "fresh_scenario",
]

# 2026-06-20 09:00 UTC: 70 days back is in the same half of daylight saving time.
_NOW = 1_781_946_000.0


def fresh_scenario(home: Path) -> Scenario:
    """Return the scenario in a home of its own at ``home`` (created); built once per process.

    Its ``now`` is 2026-06-20, or an hour ago on a machine whose clock is behind that.
    """
    built = _built()
    copy_home(built.home, home)
    return replace(built, home=home)


def copy_home(source: Path, target: Path) -> None:
    """Copy the home ``source`` (at rest) to ``target``: contents, modes and times of all files."""
    shutil.copytree(source, target, symlinks=True)


@cache
def _built() -> Scenario:
    # Kept until the process ends, when the temporary folder goes.
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="hermes-scenario-"))
    return build_scenario(Path(_FOLDERS[-1].name) / "home", min(_NOW, time.time() - 3600))


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
