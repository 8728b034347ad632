"""Message repairs on real homes: what Hermes does after them, and when undo refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import rows, sound
from tests.homes.home import execute, opened
from tests.releases import run_release

CHAT = """
from hermes_state import SessionDB

db = SessionDB()
db.create_session("gone", source="cli")
db.append_message("gone", "user", "Who is there?")
db.append_message("gone", "assistant", "Nobody.")
db.close()
"""
MORE = """
from hermes_state import SessionDB

db = SessionDB()
db.append_message("gone", "user", "Really?")
db.close()
"""
READ = """
from hermes_state import SessionDB

db = SessionDB()
print([row["id"] for row in db.list_sessions_rich()], len(db.get_messages("gone")))
db.close()
"""


@pytest.mark.parametrize("version", ["0.15.2", "0.19.0"])
def test_an_adopted_chat_is_listed_and_undo_spares_what_came_later(
    version: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, CHAT, home)
    execute(home, "DELETE FROM sessions")
    before = rows(home / "state.db")
    assert run("repair", "--session", "gone", "--yes", home=home).code == 0
    assert run_release(version, READ, home).strip() == "['gone'] 2"
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home / "state.db") == before
    assert run("repair", "--session", "gone", "--yes", home=home).code == 0
    run_release(version, MORE, home)
    now = rows(home / "state.db")
    refused = run("undo", "--yes", home=home)
    assert refused.code == 4, refused.out
    assert rows(home / "state.db") == now


@pytest.mark.parametrize("version", ["0.16.0", "0.18.2", "0.19.0"])
def test_one_bad_row_no_longer_stops_the_list(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, CHAT, home)
    execute(home, "UPDATE messages SET content = CAST(x'66e9' AS TEXT) WHERE role = 'user'")
    execute(home, 'UPDATE sessions SET model_config = \'{"model": "m\'')
    with pytest.raises(Exception, match=r"(?i)malformed|decode"):
        run_release(version, READ, home)
    broken = rows(home / "state.db")
    assert run("repair", "--yes", home=home).code == 0
    sound(home / "state.db")
    assert run_release(version, READ, home).strip() == "['gone'] 2"
    assert run("undo", "--yes", home=home).code == 0
    after = rows(home / "state.db")
    assert after["messages"] == broken["messages"]
    assert after["sessions"] == broken["sessions"]


def test_a_session_whose_id_is_no_text_keeps_it_and_its_message_is_mended(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release("0.19.0", CHAT, home)
    for table, column in (("sessions", "id"), ("messages", "session_id")):
        execute(home, f"UPDATE {table} SET {column} = CAST(x'63e9' AS TEXT)")
    execute(home, "UPDATE messages SET content = CAST(x'66e9' AS TEXT) WHERE role = 'user'")
    before = rows(home / "state.db")
    found = run("doctor", "--json", home=home).document["findings"]
    assert [(f["id"], f["repair"]) for f in found if f["severity"] == "error"] == [
        ("MS004", "safe")
    ]
    plan = home.with_name("plan.db")
    assert run("repair", "--dry-run", "--plan-out", plan, home=home).code == 0
    done = run("repair", "--plan", plan, "--yes", home=home)
    assert done.code == 0, done.out + done.err
    assert run("history", home=home).code == 0
    with opened(home) as db:
        said = db.execute("SELECT hex(session_id), content FROM messages ORDER BY id").fetchall()
    assert said == [("63E9", "f\ufffd"), ("63E9", "Nobody.")]
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home / "state.db") == before


@pytest.mark.parametrize("version", ["0.14.0", "0.19.0"])
def test_one_bad_byte_in_a_title_no_longer_stops_the_list(version: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run_release(version, CHAT, home)
    execute(home, "UPDATE sessions SET title = CAST(x'66e9' AS TEXT)")
    broken = rows(home / "state.db")
    with pytest.raises(Exception, match=r"(?i)decode"):
        run_release(version, READ, home)
    assert rows(home / "state.db") == broken
    assert run("repair", "--yes", home=home).code == 0
    sound(home / "state.db")
    assert run_release(version, READ, home).strip() == "['gone'] 2"
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home / "state.db")["sessions"] == broken["sessions"]
