"""A continuation that begins before its parent ended, as releases list it before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cases.case import CASES, INSIDE
from tests.command import run
from tests.homes.by_releases import raced
from tests.homes.home import execute
from tests.releases import run_release

LIST = """
import json
from hermes_state import SessionDB
db = SessionDB()
print(json.dumps([line["id"] for line in db.list_sessions_rich(limit=50)]))
db.close()
"""
PATHS = f"import sys; sys.path += {[str(folder) for folder in INSIDE]}\n"


def listed(version: str, home: Path) -> list[str]:
    """Return the sessions that a release lists."""
    return list(json.loads(run_release(version, LIST, home)))


@pytest.mark.parametrize("version", ["0.13.0", "0.16.0", "0.17.0"])
def test_the_live_half_is_listed_again(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = (CASES / "LN012_clock_set_back" / "write.py").read_text(encoding="utf-8")
    run_release(version, PATHS + script, home)
    assert listed(version, home) == ["choir"]

    done = run("repair", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    assert listed(version, home) == ["onward"]

    assert run("undo", "--yes", home=home).code == 0
    assert listed(version, home) == ["choir"]


def test_later_release_lists_it_unaided(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = (CASES / "LN012_later_release_silent" / "write.py").read_text(encoding="utf-8")
    run_release("0.18.2", PATHS + script, home)
    assert listed("0.18.2", home) == ["onward"]


def test_raced_fork_whose_clock_was_set_back(tmp_path: Path) -> None:
    race = raced(tmp_path)
    assert run("repair", "--yes", home=race.home).code == 0
    execute(
        race.home,
        "UPDATE sessions SET ended_at = (SELECT started_at + 0.0005 FROM sessions WHERE id = ?)"
        " WHERE id = ?",
        race.live,
        race.parent,
    )
    assert race.live not in listed("0.15.2", race.home)
    assert run("repair", "--yes", home=race.home).code == 0
    assert race.live in listed("0.15.2", race.home)
