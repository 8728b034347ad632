"""The real releases as judges: our route and their own migration from the same start (R7)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hermes_repair.schema.difference import diff
from hermes_repair.schema.route import RouteFacts, route
from tests.releases import run_release
from tests.support import unpack_fixture
from tests.unit.schema_support import (
    OLD_FIXTURES,
    RELEASE_OF,
    answers,
    check_search,
    connect,
    known,
    migrate,
    rows_of,
    structure_of,
)

pytestmark = pytest.mark.releases

OPEN = """
import sys
from pathlib import Path
from hermes_state import SessionDB
SessionDB(Path(sys.argv[1])).close()
"""
CRASHES = {("v20first", 22)}
"""Starts that the real release does not survive (IntegrityError on open, run)."""

WORDS = ["hello", "terminal", "list", "the", "files", "weather", "世界", "你好"]


def pairs() -> list[object]:
    """Every start of the fixtures with every later number that a release on the index has."""
    return [
        pytest.param(fixture, target, id=f"{fixture}-to-{target}")
        for fixture, start in OLD_FIXTURES.items()
        for target in RELEASE_OF
        if target >= start and (fixture, target) not in CRASHES
    ]


@pytest.mark.parametrize(("fixture", "target"), pairs())
def test_same_as_the_real_release(fixture: str, target: int, tmp_path: Path) -> None:
    start = unpack_fixture(fixture, tmp_path / "start.db")
    homes = {name: tmp_path / name for name in ("real", "ours")}
    for home in homes.values():
        home.mkdir()
        shutil.copy(start, home / "state.db")
    run_release(RELEASE_OF[target], OPEN, homes["real"], str(homes["real"] / "state.db"))

    ours = connect(homes["ours"] / "state.db")
    _, decisions = migrate(ours, target)
    real = connect(homes["real"] / "state.db")

    assert diff(structure_of(real), structure_of(ours)).lines() == []
    assert diff(known(target), structure_of(ours)).lines() == []
    left = {session_id for session_id, _ in decisions.left_alone}
    for connection in (real, ours):
        for session_id in left:
            connection.execute("UPDATE sessions SET model_config = '' WHERE id = ?", (session_id,))
    assert rows_of(ours) == rows_of(real)
    assert answers(ours, WORDS) == answers(real, WORDS)
    check_search(ours)
    assert ours.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert ours.execute("PRAGMA foreign_key_check").fetchall() == []
    assert route(structure_of(ours), target, RouteFacts()).parts == ()
