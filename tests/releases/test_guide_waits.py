"""The guide beside a Hermes that has the database open: it waits, and goes on when it is closed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.speaking import talk_at_a_terminal
from tests.homes.content import content, without_sequence
from tests.homes.small import small_home
from tests.releases import hear, start_release
from tests.releases.session_db import SESSION_DB

OPEN = "has the database open"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return small_home(tmp_path / "home", 14)


@pytest.fixture
def hermes(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a Hermes 0.19.0 that keeps the database of the home open until its stdin ends."""
    process = start_release("0.19.0", SESSION_DB, home, "wal")
    hear(process, "ready")
    yield process
    process.kill()
    process.communicate()


def test_it_waits_until_hermes_has_closed_the_database(
    home: Path, hermes: subprocess.Popen[str]
) -> None:
    before = without_sequence(content(home))

    def close() -> str:
        hermes.communicate("")
        return ""

    asked: list[str | Callable[[], str]] = ["6", "y", "", close, "y", "", "y", "y", "", ""]
    screens = talk_at_a_terminal(home.parent, "guide", "--home", home, answers=asked)
    waiting = [n for n, screen in enumerate(screens) if f"Process {hermes.pid} " in screen]
    assert waiting == [2, 3], "it looked again when it was asked to, and Hermes was still there"
    for number in waiting:
        assert OPEN in screens[number]
        assert "First close that program. Return looks again, n goes on:" in screens[number]
        assert "hermes-repair repair" not in screens[number], "nothing is tried beside it"
    assert "Nobody has the database open now." in screens[4] and "The plan has" in screens[4]
    assert "Done: " in screens[5] and "Undone: " in screens[8]
    assert without_sequence(content(home)) == before


def test_who_goes_on_beside_it_gets_what_is_safe_there(
    home: Path, hermes: subprocess.Popen[str]
) -> None:
    before = without_sequence(content(home))
    asked = ["6", "y", "n", "", "n", "n", ""]
    screens = talk_at_a_terminal(home.parent, "guide", "--home", home, answers=asked)
    shown = " ".join(screens[3].split())
    assert "2 steps must wait. Process" in shown and f"{OPEN}; close that program." in shown
    assert hermes.poll() is None and without_sequence(content(home)) == before
