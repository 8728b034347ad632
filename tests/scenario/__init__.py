"""The home of the main scenario (``build``), its judges (``judge``), its locks (``locks``)."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.homes.folders import kept_folder
from tests.homes.home import copy_home
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


@cache
def _built() -> Scenario:
    return build_scenario(kept_folder() / "home", min(_NOW, time.time() - 3600))
