"""Taking a migration back: all of it, only if nothing was written since, with what follows."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import content, rows, without_sequence
from tests.homes.database import connect
from tests.homes.populated import chat_id, populated
from tests.migrations.running import checkout
from tests.releases import run_release

OPEN = """
from hermes_state import SessionDB
SessionDB().close()
"""
WRITE = """
from hermes_state import SessionDB
db = SessionDB()
db.append_message(db.list_sessions_rich(limit=1)[0]["id"], role="user", content="one more")
db.close()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return populated(tmp_path / "home", 13)


def migrated(home: Path, target: int) -> Path:
    done = run("migrate", "--to", str(target), "--yes", home=home)
    assert done.code == 0, done.err
    return home


@pytest.mark.parametrize("target", [13, 14, 22])
def test_everything_is_given_back(target: int, home: Path) -> None:
    before = without_sequence(content(home))
    migrated(home, target)
    assert without_sequence(content(home)) != before
    undone = run("undo", "--yes", home=home)
    assert undone.code == 0, undone.err
    assert without_sequence(content(home)) == before
    assert run_release("0.15.2", OPEN, migrated(home, 13)) == ""  # not without the title index
    assert run("undo", "--yes", home=home).code == 0
    assert run("undo", "--yes", home=home).code == 4


def test_a_hermes_that_only_looked_is_no_hindrance(home: Path) -> None:
    before = without_sequence(content(home))
    migrated(home, 14)
    run_release("0.16.0", OPEN, home)
    assert run("undo", "--yes", home=home).code == 0
    assert without_sequence(content(home)) == before


def test_what_was_written_since_is_named_and_stays(home: Path) -> None:
    migrated(home, 14)
    run_release("0.16.0", WRITE, home)
    before = rows(home / "state.db")
    refused = run("undo", "--yes", home=home)
    assert refused.code == 4
    assert "-migrate: messages (1 row)" in refused.err
    assert "sessions (1 row)" in refused.err
    assert rows(home / "state.db") == before
    hint, name = refused.err.split()[-4:], refused.err.split()[-1]
    assert hint[:2] == ["restore", "--home"], refused.err
    assert run("restore", name, "--yes", home=home).code == 0


def test_a_later_migration_of_hermes_is_no_less(home: Path) -> None:
    migrated(home, 14)
    run_release("0.19.0", OPEN, home)
    refused = run("undo", "--yes", home=home)
    assert refused.code == 4
    assert "sessions (its columns)" in refused.err


def test_a_repair_in_between_is_taken_back_first(home: Path) -> None:
    with closing(connect(home / "state.db")) as connection:
        connection.execute("UPDATE sessions SET message_count = 99 WHERE id = ?", (chat_id(3),))
    before = without_sequence(content(home))
    migrated(home, 14)
    between = without_sequence(content(home))
    assert run("repair", "--yes", "--select", "MS002", home=home).code == 0
    repaired = without_sequence(content(home))
    assert repaired != between
    entries = run("history", "--json", home=home).document["history"]
    assert [entry["command"] for entry in entries] == ["repair", "migrate"]
    assert run("undo", "--yes", home=home).code == 0
    assert without_sequence(content(home)) == between
    assert run("repair", "--yes", "--select", "MS002", home=home).code == 0
    assert run("undo", "--yes", entries[-1]["id"], home=home).code == 0
    assert without_sequence(content(home)) == before


def test_what_follows_is_said(home: Path) -> None:
    checkout(home, "0.19.0")
    migrated(home, 22)
    said = run("undo", "--yes", "--json", home=home).document["warnings"]
    assert len(said) == 2
    assert "then at schema 13" in said[0] and "expects 22" in said[0]
    assert "mark sessions as delegate runs" in said[1]
    migrated(home, 14)
    said = run("undo", "--yes", "--json", home=home).document["warnings"]
    assert len(said) == 1 and "expects 22" in said[0]


def test_a_chat_that_was_kept_visible_is_listed_by_the_release(home: Path) -> None:
    """The untitled chat that 0.17.0 to 0.19.0 hide when they migrate themselves."""
    listing = """
from hermes_state import SessionDB
db = SessionDB()
print(*(row["id"] for row in db.list_sessions_rich(limit=999)))
db.close()
"""
    migrated(home, 22)
    shown = run_release("0.19.0", listing, home).split()
    assert chat_id(29) in shown
    assert not any(session.endswith("dddddddd") for session in shown)
    assert run("undo", "--yes", home=home).code == 0
    assert chat_id(29) not in run_release("0.19.0", listing, home).split()
