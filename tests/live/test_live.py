"""Beside a live Hermes: real releases write at full speed while we look and clean.

The short form has the three releases together, and our commands are forks: in WAL mode ten seconds
have as many looks as twenty with processes that start Python first. The long form starts them as
cron does, gives each release two minutes, and prints how fast everybody was (``-s``).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forked import Server, server
from tests.homes.content import sound
from tests.homes.home import opened
from tests.live.traffic import WRITES, Figures, as_cron, traffic

RELEASES = ("0.16.0", "0.18.2", "0.19.0")
HERMES_PATIENCE = 15 * 1.15
"""Seconds that a write of Hermes tries: 15 times one second, and at most 0.15 s between."""


@pytest.mark.parametrize(("mode", "seconds"), [("wal", 10), ("delete", 20)])
def test_three_releases_at_once(mode: str, seconds: float, tmp_path: Path) -> None:
    home = tmp_path / "home"
    forks = [Server().run, server().run]
    figures = traffic(home, RELEASES, seconds, mode=mode, beside=forks, pause=0.25)
    print(f"\n{mode}, {', '.join(RELEASES)} together, with us:\n{figures}")
    undisturbed(figures, home, mode)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("version", RELEASES)
def test_one_release_for_minutes(version: str, mode: str, tmp_path: Path) -> None:
    alone = traffic(tmp_path / "alone", [version] * 3, 40, mode=mode)
    home = tmp_path / "home"
    figures = traffic(home, [version] * 3, 120, mode=mode, beside=[as_cron] * 2)
    print(f"\n{mode}, 3 processes of {version}, alone:\n{alone}\nwith us:\n{figures}")
    undisturbed(figures, home, mode)
    assert figures.wal_peak <= 4 * alone.wal_peak + (8 << 20)


def undisturbed(figures: Figures, home: Path, mode: str) -> None:
    """Assert what may not happen to a Hermes that we work beside."""
    # In DELETE mode Hermes' own reads give up after a second, whether or not we are there. Ours do
    # so too, on a busy machine, and say it.
    gives_up = mode == "delete"
    assert figures.failed() == []
    assert figures.errors == [] or gives_up
    assert figures.longest_wait < HERMES_PATIENCE
    assert figures.stolen == [] and figures.wrongly_cleaned == []
    assert figures.overdue == []
    assert figures.ran_enough and len(figures.planted) == len(figures.cleaned)
    assert [run for run in figures.cleans if run["code"] != 0] == []
    assert figures.false_findings == []
    codes = {run["code"] for run in figures.doctors}
    assert codes <= ({0, 1, 4} if gives_up else {0, 1}), figures.doctors
    assert sum(figures.done[kind] for kind in WRITES) > 100
    assert messages(home) == {session: count for session, count in figures.sent.items() if count}
    sound(home / "state.db")


def messages(home: Path) -> dict[str, int]:
    """Return how many rows each session has."""
    with opened(home) as connection:
        return dict(
            connection.execute("SELECT session_id, COUNT(*) FROM messages GROUP BY session_id")
        )
