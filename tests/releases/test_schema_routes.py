"""The real releases as judges: our route and their own migration from the same start (R7)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hermes_repair.schema.route import route
from hermes_repair.schema.route_parts import RouteFacts
from hermes_repair.schema.structure_difference import diff
from tests.homes.database import OLD_FIXTURES, RELEASE_OF, Unpack, build_database, connect
from tests.releases import run_release
from tests.unit.schema_support import answers, check_search, known, migrate, rows_of, structure_of

OPEN = """
import sys
from pathlib import Path
from hermes_state import SessionDB
SessionDB(Path(sys.argv[1])).close()
"""
CRASHES = {("v20first", 22)}
"""Starts that the real release does not survive (IntegrityError on open, run)."""

WORDS = ["zebra", "giraffe", "terminal", "calling", "elephant", "child", "你好世", "世界天"]


NEXT = {("0.13.0", 13), ("0.15.2", 14), ("0.16.0", 16), ("0.17.0", 17), ("0.18.0", 19), ("v10", 11)}


def pairs() -> list[object]:
    """Every start of the fixtures with every later number that a release on the index has.

    The short form goes to the newest number, and from each release to the next.
    """
    return [
        pytest.param(
            fixture,
            target,
            id=f"{fixture}-to-{target}",
            marks=() if target == 22 or (fixture, target) in NEXT else pytest.mark.long,
        )
        for fixture, start in OLD_FIXTURES.items()
        for target in RELEASE_OF
        if target >= start and (fixture, target) not in CRASHES
    ]


@pytest.mark.parametrize(("fixture", "target"), pairs())
def test_same_as_the_real_release(
    fixture: str, target: int, tmp_path: Path, unpack: Unpack
) -> None:
    start = unpack(fixture, tmp_path / "start.db")
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
    found = answers(ours, WORDS)
    assert found == answers(real, WORDS)
    assert found["messages_fts zebra"]
    check_search(ours)
    assert ours.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert ours.execute("PRAGMA foreign_key_check").fetchall() == []
    assert route(structure_of(ours), target, RouteFacts()).parts == ()


USE = """
import sys
from pathlib import Path
from hermes_state import SessionDB
db = SessionDB(Path(sys.argv[1]))
db.create_session("made", source="cli", model="m")
db.append_message("made", role="user", content="quokka one")
db.append_message("made", role="assistant", content="answer")
db.update_token_counts("made", input_tokens=3, output_tokens=4, model="m")
listed = {row["id"] for row in db.list_sessions_rich(limit=99)}
found = {row["session_id"] for row in db.search_messages("quokka")}
old = {row["session_id"] for row in db.search_messages("zebra")}
read = [row["content"] for row in db.get_messages("made")]
db.end_session("made", "done")
deleted = db.delete_session("made")
left = len(db.get_messages("made"))
db.close()
print("made" in listed, found == {"made"}, bool(old), read == ["quokka one", "answer"], deleted,
      left)
"""
OLDER_CODE = ["0.13.0", "0.14.0", "0.15.2", "0.16.0", "0.17.0", "0.18.0", "0.18.2", "0.19.0"]


@pytest.mark.parametrize("target", [14, 22])
@pytest.mark.parametrize("version", OLDER_CODE)
def test_releases_work_on_a_migrated_database(version: str, target: int, tmp_path: Path) -> None:
    """Schemas 11 to 22 are for every release from 0.13.0 on, older or newer than the number."""
    connection = connect(build_database("0.13.0", tmp_path / "state.db"))
    migrate(connection, target)
    connection.close()
    said = run_release(version, USE, tmp_path, str(tmp_path / "state.db"))
    assert said.split() == ["True", "True", "True", "True", "True", "0"]
    connection = connect(tmp_path / "state.db")
    check_search(connection)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
