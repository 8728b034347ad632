"""Every page of a deep database in turn: its damage is named, and repairing loses nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.fuzz.deep import SESSIONS, TURNS, Damage, damages, deep_home, do_damage
from tests.fuzz.forked import get_ready, judged_in_a_child
from tests.fuzz.judge import say, wrong_answer
from tests.fuzz.state import state_of
from tests.homes.content import files
from tests.homes.folders import new_folder

MESSAGES = 2 * TURNS * SESSIONS
NAMES = {"DB001", "DB002", "DB003", "DB006", "FT003"}
DOCTOR = ("doctor", "--json")
REPAIR = ("repair", "--yes", "--json")
SHORT = 40
PARTS = 20


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = deep_home(tmp_path_factory.mktemp("deep") / "home")
    get_ready()
    return made


def wrong_about(deep: Path, all_damage: Sequence[Damage]) -> list[str]:
    found = []
    for damage in all_damage:
        with new_folder() as folder:
            home = folder / "home"
            shutil.copytree(deep, home)
            do_damage(home, damage)
            wrong = judged_in_a_child(home, judge)
        found += [f"{damage}: {one}" for one in wrong]
    return found


def judge(home: Path) -> list[str]:
    """Return what is wrong about a doctor and a repair of a home with one damaged page."""
    before = files(home)
    answer = say(home, DOCTOR)
    found = wrong_answer(answer, home)
    if files(home) != before:
        found.append("doctor changed something")
    if answer.code != 1:
        found.append(f"doctor exits {answer.code}: {answer.out[-600:]}")
    named = {one["id"] for one in json.loads(answer.out).get("findings", [])}
    if not named & NAMES and state_of(home).damage != 0:
        found.append(f"doctor does not name the damage, only {sorted(named)}")
    known = texts(home)
    found += wrong_answer(say(home, REPAIR), home)
    lost = known - texts(home)
    if lost:
        found.append(f"repair lost {sum(lost.values())} of {known.total()} texts")
    return found


def texts(home: Path) -> Counter[bytes]:
    """Return the texts of the messages that can be read one by one."""
    found: Counter[bytes] = Counter()
    with new_folder() as folder:
        copy = shutil.copy(home / "state.db", folder / "state.db")
        with closing(sqlite3.connect(copy)) as db:
            db.text_factory = bytes
            for number in range(1, MESSAGES + 1):
                with suppress(sqlite3.Error, UnicodeDecodeError):
                    found.update(
                        text
                        for (text,) in db.execute(
                            "SELECT CAST(content AS BLOB) FROM messages WHERE id = ?", (number,)
                        )
                    )
    return found


def test_any_page(deep: Path) -> None:
    every = damages(deep)
    step = len(every) // SHORT | 1
    found = wrong_about(deep, every[::step])
    assert found == [], "\n".join(found)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page(part: int, deep: Path) -> None:
    found = wrong_about(deep, damages(deep)[part::PARTS])
    assert found == [], "\n".join(found)
