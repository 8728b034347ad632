"""What a person types first, and what a terminal of 60 columns shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hermes_repair import __version__
from hermes_repair.cli.commands import COMMANDS
from hermes_repair.cli.streams import prepare
from hermes_repair.model.words import cells
from tests.cli.speaking import at_a_terminal, commands, say
from tests.homes.home import execute_all
from tests.homes.small import FRONT, ORPHAN, small_home

Capture = pytest.CaptureFixture[str]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("words", [["version"], ["--version"], ["-V"]], ids=" ".join)
def test_the_version(words: list[str], capsys: Capture) -> None:
    said = say(capsys, *words)
    assert (said.code, said.out) == (0, f"hermes-repair {__version__}\n")


def test_help_is_a_word_too(capsys: Capture) -> None:
    assert say(capsys, "help") == say(capsys, "--help")
    assert say(capsys, "help", "locks", "clean") == say(capsys, "locks", "clean", "--help")
    said = say(capsys, "help", "nope")
    assert said.code == 2 and "No such command 'nope'." in said.err


@pytest.mark.parametrize("words", [[], ["locks"]], ids=str)
def test_without_a_command_the_help_is_whole(words: list[str], capsys: Capture) -> None:
    said = say(capsys, *words)
    assert (
        said.code == 2
        and said.out == ""
        and "\\n" not in said.err
        and "..." not in (said.err.partition("Commands:")[2])
    )
    assert said.err.count("\n") > 15 and all(len(line) <= 80 for line in said.err.splitlines())
    if not words:
        read = " ".join(said.err.split())
        assert all(f"{name} {listed.summary}" in read for name, listed in COMMANDS.items())


def test_a_finding_is_explained_by_its_name(capsys: Capture) -> None:
    assert say(capsys, "explain", "orphan-child") == say(capsys, "explain", "LN001")
    assert say(capsys, "explain", "Orphan-Child").code == 0
    assert say(capsys, "explain", "orphan").code == 2


def test_colour_is_asked_for(home: Path, capsys: Capture) -> None:
    said = say(capsys, "doctor", "--color", "always", "--home", home)
    assert said.code == 1 and COLOUR.search(said.out)
    assert COLOUR.sub("", said.out) == say(capsys, "doctor", "--home", home).out
    said = at_a_terminal(home.parent, "doctor", "--color", "never", "--home", home)
    assert ORPHAN in said.out and "\x1b" not in said.out
    assert say(capsys, "doctor", "--color", "red", "--home", home).code == 2


def test_a_narrow_terminal(tmp_path: Path, capsys: Capture) -> None:
    """Titles of any script are told apart, lines end after words, commands are whole."""
    home = small_home(tmp_path / "h", 14)
    execute_all(home, f"UPDATE sessions SET title = '👨‍👩‍👧 นัดหมาย' WHERE id = '{FRONT}'")
    said = at_a_terminal(home, "doctor", "--home", home, COLUMNS="60")
    shown = COLOUR.sub("", said.out).replace("\r\n", "\n")
    assert said.code == 1 and "👨‍👩‍👧 นัดหมาย" in shown
    whole = say(capsys, "doctor", "--home", home).out
    assert list(commands(shown)) == list(commands(whole))
    plain = re.sub(r" \(2026-\d\d-\d\d, [^)]*\):", ":", whole)
    wrapped = re.sub(r" \(2026-\d\d-\d\d, [^)]*\):", ":", " ".join(shown.split()))
    assert wrapped == " ".join(plain.split())
    long = [line for line in shown.splitlines() if cells(line) > 60]
    for line in map(str.strip, long):  # a command, or a path that is longer than the line
        assert line.removeprefix("`").startswith("hermes-repair ") or " " not in line


def test_an_encoding_without_our_signs() -> None:
    prepare()
    assert "✓ ✗ a…".encode("latin-1", "spelled") == b"+ x a..."
    assert "日".encode("ascii", "spelled") == b"\\u65e5"
