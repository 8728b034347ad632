"""What a person who waits hears: what is being looked at and compared, now and then."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from random import Random

from hermes_repair.model.choices import Selection
from sample_data.build import build
from tests.homes.home import opened
from tests.homes.small import NOW, small_home
from tests.in_process import fixed_environment, look, repair


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


def test_a_long_rebuild_says_how_long_it_still_takes(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    with opened(home) as db:
        db.execute("DELETE FROM messages_fts")
    heard: list[str] = []
    seconds = [0.0]

    def now() -> float:
        seconds[0] += 0.5
        return NOW + seconds[0]

    environment = replace(fixed_environment(tmp_path, tell=heard.append), now=now)
    done = repair(home, environment, selection=Selection(select=("FT",)))
    assert done.units == 1 and not done.refused
    told = [re.search(r"(\d+) of (\d+) done, about (\d+) seconds? left$", line) for line in heard]
    left = [(int(found[1]), int(found[2]), int(found[3])) for found in told if found]
    assert len(left) > 1 and all(place < number for place, number, _ in left)
    # each step asks the clock as often, so they take equal long
    assert [rest for *_, rest in left] == sorted((rest for *_, rest in left), reverse=True)
