"""LN001 looks for the missing parent first, and says where it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.homes.content import fingerprint
from tests.homes.home import execute_all, query_at_rest
from tests.lineage.answers import hermes_repair
from tests.releases import hear, run_release, say, start_release

BUILD = """
from hermes_state import SessionDB
db = SessionDB()
db.create_session("parent", source="telegram")
db.append_message("parent", "user", "Where are the tent poles?")
db.append_message("parent", "assistant", "In the blue bag.")
db.create_session("child", source="telegram", parent_session_id="parent")
for number in range(2):
    db.append_message("child", "user", f"Not there, look {number}.")
    db.append_message("child", "assistant", "Behind the skis?")
db.close()
"""

HOLD = """
import sys
from hermes_state import SessionDB
db = SessionDB()
db.append_message("parent", "session_meta", None)
print("ready", flush=True)
sys.stdin.readline()
db.close()
"""


def orphaned(home: Path) -> Path:
    """Make a home whose child has lost its parent, and return a whole copy of its database."""
    home.mkdir()
    run_release("0.16.0", BUILD, home)
    whole = home.parent / "whole.db"
    shutil.copyfile(home / "state.db", whole)
    execute_all(
        home,
        "DELETE FROM messages WHERE session_id = 'parent'",
        "DELETE FROM sessions WHERE id = 'parent'",
    )
    return whole


def looked(home: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the finding and the notes of the doctor, which changes nothing anywhere."""
    before = fingerprint(home)
    said = hermes_repair("doctor", "--json", "--select", "LN001", home=home, code=1).document
    assert fingerprint(home) == before
    (finding,) = said["findings"]
    return finding, said["notes"]


@pytest.mark.parametrize(
    "place",
    [
        "profiles/work/state.db",
        "state-snapshots/20260601-120000/state.db",
        "hermes-repair/backups/0001-20260601T000000Z-migrate/state.db",
        "state.db.bak",
    ],
)
def test_another_database_has_the_parent(place: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    whole = orphaned(home)
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(whole, home / place)
    finding, notes = looked(home)
    assert finding["data"]["parent_found_in"] == [str(home / place)]
    assert str(home / place) in finding["message"]
    assert (finding["repair"], notes) == ("unsafe", [])
    hermes_repair("repair", "--yes", home=home)
    assert query_at_rest(home, "SELECT parent_session_id FROM sessions") == [("parent",)]
    hermes_repair("repair", "--yes", "--session", "child", home=home)
    assert query_at_rest(home, "SELECT parent_session_id FROM sessions") == [(None,)]


def test_a_profile_beside_its_own_gateway(tmp_path: Path) -> None:
    home = tmp_path / "home"
    whole = orphaned(home)
    profile = home / "profiles" / "work"
    profile.mkdir(parents=True)
    shutil.copyfile(whole, profile / "state.db")
    process = start_release("0.16.0", HOLD, profile)
    try:
        hear(process, "ready")
        said = hermes_repair("doctor", "--json", "--select", "LN001", home=home, code=1).document
        assert said["findings"][0]["data"]["parent_found_in"] == [str(profile / "state.db")]
        assert (said["findings"][0]["repair"], said["notes"]) == ("unsafe", [])
        say(process, "go on")
        process.wait()
    finally:
        process.kill()
        process.wait()


def test_what_is_no_database_is_said_and_harms_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    orphaned(home)
    (home / "state.db.bak").write_bytes(b"no database at all\0" * 100)
    (home / "state-snapshots" / "empty").mkdir(parents=True)
    (home / "state-snapshots" / "empty" / "state.db").touch()
    finding, notes = looked(home)
    assert finding["repair"] == "safe"
    assert any("state.db.bak" in note for note in notes)


def test_a_log_of_the_parent_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    orphaned(home)
    log = home / "sessions" / "session_parent.json"
    log.parent.mkdir(exist_ok=True)
    log.write_text(json.dumps({"session_id": "parent", "messages": []}))
    finding, _ = looked(home)
    assert finding["data"]["parent_found_in"] == [str(log)]
    assert finding["repair"] == "safe"
