"""What a repair does after its first plan: said beforehand, asked again, named in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.speaking import assert_document, at_a_terminal, say
from tests.command import run
from tests.homes.content import content, without_sequence
from tests.homes.home import opened
from tests.homes.small import NOW

Capture = pytest.CaptureFixture[str]

OWN_PARENT = "20260606_080000_abababab"


@pytest.fixture
def circular(home: Path) -> Path:
    """Add a chat that is its own parent and ended by compression: cut first, then open again."""
    with opened(home) as db:
        db.execute(
            "INSERT INTO sessions (id, source, user_id, parent_session_id, started_at, ended_at,"
            " end_reason, message_count)"
            " VALUES (?1, 'telegram', '7', ?1, ?2, ?2, 'compression', 2)",
            (OWN_PARENT, NOW - 86400),
        )
        for role, text in (("user", "is anybody there"), ("assistant", "yes")):
            db.execute(
                "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, ?, ?, ?)",
                (OWN_PARENT, role, text, NOW - 86400),
            )
    routing = {"agent:main:telegram:dm:7": {"session_id": OWN_PARENT}}  # it was not deleted
    (home / "sessions" / "sessions.json").write_text(json.dumps(routing), encoding="utf-8")
    return home


def test_a_plan_says_that_it_looks_again(circular: Path, capsys: Capture) -> None:
    said = say(capsys, "repair", "--dry-run", "--home", circular)
    assert said.code == 0 and "LN003" in said.out and "LN004" not in said.out
    assert "After these steps it checks again" in said.out


def test_the_report_names_what_only_a_fresh_look_showed(circular: Path, capsys: Capture) -> None:
    planned = say(capsys, "repair", "--dry-run", "--home", circular, "--json").document["plan"]
    said = say(capsys, "repair", "--yes", "--home", circular, "--json")
    assert said.code == 0, said
    assert_document("repair", said.document)
    (later,) = said.document["later"]
    assert later["findings"] == ["LN004"] and later["session"] == OWN_PARENT
    assert said.document["receipt"]["units"] == len(planned["actions"]) + 1
    assert say(capsys, "undo", "--yes", "--home", circular).code == 0
    said = say(capsys, "repair", "--yes", "--home", circular)
    line = next(line for line in said.out.splitlines() if line.startswith("1 step of these"))
    assert said.out.splitlines()[said.out.splitlines().index(line) + 1].startswith("  LN004 ")


def test_a_person_is_asked_for_what_the_first_plan_did_not_name(circular: Path) -> None:
    said = at_a_terminal(circular.parent, "repair", "--home", circular, typed="y\nn\n")
    assert said.code == 0 and said.out.count("[y/N") == 2
    assert "Checking again after these steps shows more to do." in said.out
    assert "you did not agree to it" in said.out and "Nothing was changed" not in said.out
    assert state(circular) == (None, "compression"), "the first plan is done, the second not"
    said = at_a_terminal(circular.parent, "repair", "--home", circular, typed="y\n")
    assert said.code == 0 and said.out.count("[y/N") == 1
    assert state(circular) == (None, None)


def state(home: Path) -> tuple[str | None, str | None]:
    with opened(home) as db:
        row = db.execute(
            "SELECT parent_session_id, end_reason FROM sessions WHERE id = ?", (OWN_PARENT,)
        ).fetchone()
    return row[0], row[1]


@pytest.mark.parametrize("kilobytes", [40, 100])
def test_what_was_done_is_told_where_the_disk_is_full(
    kilobytes: int, home: Path, capsys: Capture
) -> None:
    """The look after the last step fails, and so does taking the -wal in; neither is hidden."""
    before = without_sequence(content(home))
    words, largest = ("repair", "--yes", "--home", home), kilobytes << 10
    said = run(*words, largest=largest)
    assert said.code == 4, said
    assert "Done: " in said.out and "Receipt 0001-" in said.out
    assert "It stopped there: File too large" in said.out
    assert "state.db-wal" in said.out and "Hermes merges it" in said.out
    assert (home / "state.db-wal").stat().st_size > 0
    assert "unfinished" not in say(capsys, "history", "--home", home).out
    again = run(*words, "--json", largest=largest)
    assert again.code == 4
    assert say(capsys, "undo", "--yes", "--home", home).code == 0
    assert without_sequence(content(home)) == before
    document = run(*words, "--json", largest=largest).document
    assert_document("repair", document)
    assert document["wal_left"] and document["stopped"] and document["receipt"]["units"]


def test_a_migration_that_cannot_be_looked_at_again_is_told(home: Path, capsys: Capture) -> None:
    """Committed into the -wal, which the disk has no room to take in or to copy for a look."""
    before = content(home)
    largest = (home / "state.db").stat().st_size + 1024
    there = {"TMPDIR": str(home.parent)}
    said = run("migrate", "--to", "16", "--yes", home=home, environ=there, largest=largest)
    assert said.code == 4, said
    assert "Done. Backup" in said.out and "not checked again: File too large" in said.out
    assert "Hermes merges it" in said.out
    assert say(capsys, "migrate", "--to", "16", "--yes", "--home", home).code == 0
    assert say(capsys, "undo", "--yes", "--home", home).code == 0
    assert without_sequence(content(home)) == without_sequence(before)
