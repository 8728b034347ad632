"""What a person who waits hears: what is being looked at and compared, now and then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from sample_data.build import build
from tests.homes.small import NOW
from tests.in_process import fixed_environment, look


def test_a_long_look_says_what_it_compares(tmp_path: Path) -> None:
    home = build("damaged", tmp_path / "home", NOW)
    heard: list[str] = []
    clock = Random(1)
    seconds = [0.0]

    def now() -> float:
        seconds[0] += clock.uniform(0, 1)  # half a second passes between two questions
        return NOW + seconds[0]

    look(home, replace(fixed_environment(tmp_path, tell=heard.append), now=now))
    assert any(line.startswith("checking ") for line in heard)
    compared = [line for line in heard if line.startswith("comparing transcript ")]
    assert compared and all(" of " in line and ".jsonl" in line for line in compared)
    assert len(heard) < seconds[0] / 2


def test_a_short_look_says_nothing(tmp_path: Path) -> None:
    heard: list[str] = []
    look(build("damaged", tmp_path / "home", NOW), fixed_environment(tmp_path, tell=heard.append))
    assert heard == []
