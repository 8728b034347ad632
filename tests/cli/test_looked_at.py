"""``doctor`` says what it looked at and what not, so that nothing unknown is called well."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.checks.registry import all_checks
from tests.cli.speaking import assert_document, say
from tests.homes.small import small_home

Capture = pytest.CaptureFixture[str]
EVERY = len(all_checks())


@pytest.fixture
def healthy(home: Path, capsys: Capture) -> Path:
    """Return a home in which nothing is wrong any more."""
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    return home


def closing(capsys: Capture, *words: str | Path) -> list[str]:
    """Return what it comes to, and what the doctor says last, from there on."""
    lines = say(capsys, "doctor", *words).out.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(("Nothing", "Found")))
    last = next(n for n, line in enumerate(lines) if line.startswith("Checked: "))
    return [lines[first], *lines[last:]]


def test_nothing_is_wrong_of_what(healthy: Path, capsys: Capture) -> None:
    verdict, looked, left = closing(capsys, "--home", healthy)
    assert verdict == "Nothing is wrong here."
    assert looked == (
        f"Checked: {EVERY} checks, the whole file, 5 sessions, 19 messages, 1 transcript."
    )
    assert left.startswith("Not checked: ")
    assert "what the installed Hermes expects (none was found)" in left
    document = say(capsys, "doctor", "--json", "--home", healthy).document
    assert_document("doctor", document)
    seen = document["looked_at"]
    assert len(seen["checks"]) == EVERY and seen["hermes"] is None
    assert (seen["sessions"], seen["messages"], seen["transcripts"]) == (5, 19, 1)
    assert {one["what"] for one in seen["left_out"]} == {"search-index", "hermes", "damage"}


def test_which_hermes(healthy: Path, capsys: Capture) -> None:
    """An install that serves the home is what the database was held against."""
    package = healthy / "hermes-agent"
    package.mkdir()
    (package / "hermes_state.py").write_text("SCHEMA_VERSION = 14\n")
    (package / "hermes_cli").mkdir()
    (package / "hermes_cli" / "__init__.py").write_text('__version__ = "0.16.0"\n')
    _, looked, left = closing(capsys, "--home", healthy)
    seen = say(capsys, "doctor", "--json", "--home", healthy).document["looked_at"]
    assert seen["hermes"]["schema"] == 14
    assert looked.endswith("; the installed Hermes is 0.16.0 (schema 14).")
    assert "installed Hermes" not in left


def test_only_some_checks(healthy: Path, capsys: Capture) -> None:
    verdict, looked, left = closing(capsys, "--home", healthy, "--select", "LN")
    asked = sum(check.id.startswith("LN") for check in all_checks())
    assert verdict == "Nothing of that kind is wrong here."
    assert looked.startswith(f"Checked: {asked} checks, ") and "transcript" not in looked
    assert f"Not checked: {EVERY - asked} checks that you did not ask for; " in left


def test_a_file_that_was_not_checked(healthy: Path, capsys: Capture) -> None:
    _, looked, left = closing(capsys, "--home", healthy, "--ignore", "DB003,DB006")
    assert "file" not in looked
    assert "whether the file is sound and its indexes match their tables" in left


def test_a_database_that_cannot_be_read(home: Path, capsys: Capture) -> None:
    (home / "state.db").write_bytes(b"no database at all")
    verdict, looked, left = (
        closing(capsys, "--home", home)[0],
        *closing(capsys, "--home", home)[-2:],
    )
    assert verdict == "Found 1 fatal problem."
    assert "session" not in looked
    assert "checks that cannot read the database" in left


def test_other_profiles(healthy: Path, capsys: Capture) -> None:
    small_home(healthy / "profiles" / "wp")
    assert "1 other profile (--all-profiles)" in closing(capsys, "--home", healthy)[-1]
    said = say(capsys, "doctor", "--all-profiles", "--home", healthy).out
    assert said.count("Checked: ") == 2 and "(--all-profiles)" not in said


def test_quiet_says_what_is_wrong_alone(healthy: Path, capsys: Capture) -> None:
    assert say(capsys, "doctor", "-q", "--home", healthy).out == ""
