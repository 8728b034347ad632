"""``-q``: nothing but what was asked for, and what of it was not done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.speaking import at_a_terminal, say
from tests.engine.neighbours import READER, neighbour
from tests.homes.small import FRONT, LOCKED, ORPHAN, small_home
from tests.support import every_command

Capture = pytest.CaptureFixture[str]
ASIDE = ("Hermes home", "Next:", "Nothing", "To undo it", "Done", "The doctor now", "`hermes")


def told(capsys: Capture, home: Path, *words: str, code: int = 0) -> list[str]:
    said = say(capsys, *words, "-q", "--home", home)
    assert said.code == code and said.err == "", said
    return said.out.splitlines()


def test_every_command_about_a_home_takes_it() -> None:
    for name, command in every_command().items():
        options = {option for param in command.params for option in param.opts}
        if "--home" in options and name not in ("guide", "locks install", "doctor install"):
            assert "-q" in options, name


def test_what_was_done_whole_is_not_told(home: Path, capsys: Capture) -> None:
    for words in (
        ["repair", "--yes"],
        ["repair", "--yes"],
        ["undo", "--yes"],
        ["backfill", "--yes"],
        ["migrate", "--to", "16", "--yes"],
        ["migrate", "--to", "16", "--yes"],
        ["undo", "--yes"],
        ["locks", "clean"],
        ["backup"],
        ["backup", "prune"],
    ):
        assert told(capsys, home, *words) == [], words
    name = say(capsys, "backup", "list", "-q", "--home", home).out.splitlines()[0].split()[0]
    assert told(capsys, home, "restore", name, "--yes") == []
    (finding, *_) = say(capsys, "doctor", "--home", home, "--json").document["findings"]
    assert told(capsys, home, "ack", finding["fingerprint"], "--reason", "known") == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["repair", "--dry-run"], ORPHAN),
        (["backfill", "--dry-run"], FRONT),
        (["migrate", "--to", "16", "--dry-run"], "step 16"),
        (["locks", "list"], LOCKED),
        (["locks", "clean", "--dry-run"], LOCKED),
        (["backfill", "--report"], FRONT),
        (["tree"], ORPHAN),
        (["find", "heron"], FRONT),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_was_asked_for_is_told_alone(
    words: list[str], expected: str, home: Path, capsys: Capture
) -> None:
    lines = told(capsys, home, *words)
    assert any(expected in line for line in lines)
    assert lines[0], "no empty line comes first"
    assert not any(line.startswith(ASIDE) for line in lines)
    loud = say(capsys, *words, "--home", home).out.splitlines()
    assert words[:2] == ["locks", "clean"] or loud[0].startswith("Hermes home")


def test_the_doctor(home: Path, capsys: Capture) -> None:
    lines = told(capsys, home, "doctor", code=1)
    assert lines[0].startswith("ERROR ") and not any(line.startswith(ASIDE) for line in lines)
    assert told(capsys, home, "doctor", "--select", "DB") == []
    assert told(capsys, home, "history") == []
    told(capsys, home, "repair", "--yes")
    (entry,) = told(capsys, home, "history")
    assert entry.startswith("0001-")
    assert told(capsys, home, "forks") == told(capsys, home, "find", "nowhere") == []


def test_what_was_not_done_is_told(home: Path, capsys: Capture) -> None:
    with neighbour(READER, home / "state.db"):
        lines = told(capsys, home, "repair", "--yes", code=4)
    assert lines and all(line.startswith("Waiting: ") for line in lines)
    assert say(capsys, "undo", "9", "--yes", "-q", "--home", home).err


def test_with_several_homes_each_is_named(home: Path, capsys: Capture) -> None:
    small_home(home / "profiles" / "work", 14)
    lines = told(capsys, home, "tree", "--all-profiles")
    heads = [line for line in lines if line.startswith("Hermes home")]
    assert ["profile default" in head for head in heads] == [True, False]
    lines = told(capsys, home, "doctor", "--all-profiles", "--select", "TR", code=1)
    assert [line.partition(":")[0] for line in lines] == ["default", "work"]
    assert told(capsys, home, "repair", "--all-profiles", "--yes") == []


def test_a_person_is_asked_all_the_same(home: Path) -> None:
    said = at_a_terminal(home, "repair", "-q", "--home", home, typed="y\n")
    assert said.code == 0 and ORPHAN in said.out and "Done" not in said.out
