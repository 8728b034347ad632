"""The guide: what a person at a terminal is led through, and the commands that it shows."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from hermes_repair.cli import guide_command
from hermes_repair.cli.guard import run
from hermes_repair.model.words import cells
from sample_data.build import build
from tests.cli.speaking import Said, at_a_terminal, commands, say, talk_at_a_terminal
from tests.cli.test_terminal import plain
from tests.homes.content import content, files, without_sequence
from tests.homes.home import changing
from tests.homes.small import NOW, ORPHAN, small_home

Capture = pytest.CaptureFixture[str]


def led(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, home: Path, *answers: str
) -> tuple[Said, list[str]]:
    """Answer the guide, in this process; return what it said, and the commands that it ran."""
    monkeypatch.setattr(guide_command, "at_a_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", StringIO("".join(f"{answer}\n" for answer in answers)))
    said = say(capsys, "guide", "--home", home)
    ran = [line[2:] for line in said.err.splitlines() if line.startswith("$ ")]
    return said, ran


def test_off_a_terminal_there_is_nobody_to_ask(home: Path, capsys: Capture) -> None:
    said = say(capsys, "guide", "--home", home)
    assert said.code == 4 and "there is no terminal to ask on" in said.err
    assert "hermes-repair doctor" in said.err


def test_the_words_alone_ask_at_a_terminal(home: Path) -> None:
    """From the question to the repair and back again, with every command shown."""
    before = without_sequence(content(home))
    said = at_a_terminal(
        home.parent,
        typed="9\n1\nheron\n\ny\ny\n\ny\ny\n\n\n",
        HERMES_HOME=str(home),
    )
    shown = plain(said)
    assert said.code == 0 and "What is wrong?" in shown
    ran = [line[2:] for line in " ".join(shown.split("\n  ")).splitlines() if line[:2] == "$ "]
    assert [words[1] for line in ran for words in commands(line)] == [
        "find",
        "doctor",
        "repair",
        "doctor",
        "undo",
    ]
    assert "can come back safely" in shown and "Done: " in shown and "Undone: " in shown
    assert without_sequence(content(home)) == before


WAYS = {
    "vanished": ["1", "heron", "", "y", "y", "", "y", "y", "", ""],
    "cut short": ["2", "", "y", "list", "y", "", "n", "y", "y", "", "y", "y", "", ""],
    "update": ["3", "", "y", "n", "", "n", "y", "", ""],
    "search": ["4", "rhubarb", "", "y", "l", "", ""],
    "check": ["6", "y", "choose", "1,6", "y", "", "n", "n", ""],
}
"""Each way to its end: a look, a plan, a choice, another look, and mostly an undo."""


@pytest.mark.parametrize("way", WAYS)
def test_every_screen_fits(way: str, tmp_path: Path) -> None:
    """At 80 columns and 24 rows nothing scrolls away between two questions."""
    home = build("damaged", tmp_path / "damaged", NOW)
    before = without_sequence(content(home))
    screens = talk_at_a_terminal(tmp_path, "guide", "--home", home, answers=WAYS[way])
    for number, screen in enumerate(screens):
        whole = WAYS[way][number - 1] in ("l", "list") and number > 0  # the pager's
        assert whole or rows(screen) <= 24, screen
    said = "".join(screens)
    assert "Traceback" not in said and "Error" not in said
    kept = way in ("cut short", "check")  # there the repair stays, and what came after it goes
    assert (without_sequence(content(home)) == before) == (not kept)
    assert ("Undone: " in said) == (way in ("vanished", "cut short"))


def rows(screen: str) -> int:
    """Return how many rows of 80 columns a text takes, without the answer before it."""
    _, _, below = screen.partition("\n")
    return sum(max(1, -(-cells(line) // 80)) for line in below.split("\n"))


def test_a_damaged_file_is_replaced_and_put_back(tmp_path: Path) -> None:
    broken = build("broken", tmp_path / "broken", NOW)
    before = (broken / "state.db").read_bytes()
    answers = ["5", "y", "y", "y", "", "y", "y", "", ""]
    screens = talk_at_a_terminal(tmp_path, "guide", "--home", broken, answers=answers)
    assert all(rows(screen) <= 24 for screen in screens), screens
    said = "".join(screens)
    assert "salvage --home" in said and "Undone: " in said and "Take that back?" in said
    assert (broken / "state.db").read_bytes() == before


def test_looking_and_leaving_changes_nothing(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(home)
    for answers in ([], [""], ["x", ""], ["1", "", "n", ""], ["6", "n"], ["3", "nonsense", "n"]):
        said, _ = led(monkeypatch, capsys, home, *answers)
        assert said.code == 0 and "Traceback" not in said.sentences()
        assert files(home) == before


def test_what_may_have_been_removed_is_shown(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = build("damaged", home.parent / "damaged", NOW)
    assert say(capsys, "repair", "--yes", "--home", damaged).code == 0
    said, ran = led(monkeypatch, capsys, damaged, "2", "", "y", "")
    assert ran[-1] == f"hermes-repair backfill --home {damaged} --all"
    assert "there is no terminal to ask on" in said.err, "a refusal does not end the talk"
    assert said.err.count("What is wrong?") == 2


def test_a_damaged_file_leads_to_what_can_be_read(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = build("broken", home.parent / "broken", NOW)
    before = files(broken)
    said, ran = led(monkeypatch, capsys, broken, "5", "y", "")
    assert [words[1] for line in ran for words in commands(line)] == ["doctor"]
    assert ran[-1] == f"hermes-repair salvage --home {broken}"
    assert "33 of 66 messages can be read" in said.err and files(broken) == before


def test_an_update_ahead(home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    said, ran = led(monkeypatch, capsys, home, "3", "", "n", "")
    assert ran == [f"hermes-repair doctor --home {home} --for 0.19.0 --select DB,SC,LN,TR"]
    assert "What Hermes 0.19.0 would do here" in said.err


def test_a_home_with_nothing_wrong(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    said, ran = led(monkeypatch, capsys, home, "4", "", "y", "")
    assert "Nothing of that kind is wrong here." in said.err and ORPHAN not in said.err
    assert ran[-1] == f"hermes-repair doctor --home {home} --select DB,FT,SC"


def test_what_is_out_of_sight_is_shown_and_taken_back(tmp_path: Path) -> None:
    """The last step: what it is, what shows it, a plan to agree to, another look, undo."""
    home = small_home(tmp_path / "home", 14)
    assert run(["repair", "--yes", "--home", str(home)]) == 0
    with changing(home) as db:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES ('20250101_nobody', 'user', 'still here', ?)",
            (NOW - 9000.0,),
        )
    before = without_sequence(content(home))
    answers = ["6", "y", "y", "y", "", "y", "y", "", ""]
    screens = talk_at_a_terminal(tmp_path, "guide", "--home", home, answers=answers)
    assert "1 message in 1 chat is out of sight" in screens[1]
    assert "See what is out of sight, and what shows it?" in screens[1]
    assert "doctor --home" in screens[2] and "--select MS003" in screens[2]
    assert "See the steps that show it?" in screens[2]
    assert "repair --home" in screens[3] and "--select MS003 --unsafe" in screens[3]
    assert "Done: 1 step" in screens[4] and "out of sight" not in screens[5]
    assert "Undone: " in screens[7] and without_sequence(content(home)) == before
    assert all(rows(screen) <= 24 for screen in screens), screens
