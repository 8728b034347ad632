"""What reaches a terminal, a pipe, a log: no commands to the terminal, no chats off it (R9)."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair.model.words import cells
from sample_data.build import build
from tests.cli.speaking import Said, at_a_terminal, say
from tests.homes.content import content, files, without_sequence
from tests.homes.home import opened
from tests.homes.small import FRONT, NOW, ORPHAN, SECRET

Capture = pytest.CaptureFixture[str]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def plain(said: Said) -> str:
    """Return what a terminal shows without its colours."""
    return COLOUR.sub("", said.out).replace("\r\n", "\n")


# --- A person at a terminal ---------------------------------------------------------------------


def test_a_terminal_has_colour_and_titles(home: Path) -> None:
    said = at_a_terminal(home.parent, "doctor", "--home", home)
    assert said.code == 1 and COLOUR.search(said.out)
    line = next(line for line in plain(said).splitlines() if ORPHAN in line)
    assert SECRET in line and "telegram" in line and "3 messages" in line
    said = at_a_terminal(home.parent, "doctor", "--home", home, NO_COLOR="1")
    assert SECRET in said.out and not re.search(r"\x1b\[[0-9;]*[349][0-7]m", said.out)
    said = at_a_terminal(home.parent, "doctor", "--no-titles", "--home", home)
    assert ORPHAN in said.out and SECRET not in said.out
    said = at_a_terminal(home.parent, "doctor", "--json", "--home", home)
    assert SECRET not in said.out and "\x1b" not in said.out


@pytest.mark.parametrize("command", [["repair"], ["migrate", "--to", "16"]], ids=" ".join)
def test_a_person_is_asked(command: list[str], home: Path) -> None:
    before = without_sequence(content(home))
    said = at_a_terminal(home.parent, *command, "--home", home, typed="n\n")
    assert said.code == 0 and "[y/N" in said.out and "Nothing was changed." in said.out
    assert without_sequence(content(home)) == before
    said = at_a_terminal(home.parent, *command, "--home", home, typed="\n")
    assert said.code == 0 and without_sequence(content(home)) == before
    said = at_a_terminal(home.parent, *command, "--home", home, typed="y\n")
    assert said.code == 0 and without_sequence(content(home)) != before
    said = at_a_terminal(home.parent, "undo", "--home", home, typed="no\n")
    assert said.code == 0 and without_sequence(content(home)) != before
    assert "Nothing was changed." in said.out
    said = at_a_terminal(home.parent, "undo", "--home", home, typed="yes\n")
    assert said.code == 0 and without_sequence(content(home)) == before


def test_yes_is_not_asked(home: Path) -> None:
    said = at_a_terminal(home.parent, "repair", "--yes", "--home", home)
    assert said.code == 0 and "[y/N" not in said.out


def test_control_c_at_the_question(home: Path) -> None:
    before = without_sequence(content(home))
    said = at_a_terminal(home.parent, "repair", "--home", home, typed="\x03")
    assert said.code == 130 and "Interrupted" in said.out
    assert without_sequence(content(home)) == before


# --- Text from the data -------------------------------------------------------------------------

ODD_TITLE = "[red]red[/red]\x1b]0;x\x07\x1b[2J\x9b31m\u202eabc\r\nnext\x00 \u2028"
ODD_ID = "20260607\x1b[31m\x07_x"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ufeff]")


@pytest.fixture
def odd(home: Path) -> Path:
    """Return a home in which titles, ids, sources and file names try to command the terminal."""
    with opened(home) as db:
        db.execute("UPDATE sessions SET title = ? WHERE id = ?", (ODD_TITLE, ORPHAN))
        db.execute("UPDATE sessions SET source = ? WHERE id = ?", ("\x1b[8mhidden", ORPHAN))
        db.execute(
            "INSERT INTO sessions (id, source, started_at, message_count, parent_session_id)"
            " VALUES (?, 'cli', 1.0, 5, '\x1b]52;c;x\x07')",
            (ODD_ID,),
        )
        db.execute(
            "INSERT INTO compression_locks VALUES (?, ?, 1.0, 2.0)",
            (ODD_ID, "pid=1\x1b[1m:tid=1:agent=\u202e1:nonce=2"),
        )
    data = (home / "sessions" / f"{FRONT}.jsonl").read_bytes()
    (home / "sessions" / "\x1b[31mred\x07.jsonl").write_bytes(data)
    return home


LOOKING = [
    ["doctor", "-v"],
    ["repair", "--dry-run", "--unsafe"],
    ["migrate", "--to", "16", "--dry-run"],
    ["history"],
    ["locks", "list"],
    ["tree"],
    ["forks"],
    ["backfill", "--report"],
    ["find", "heron"],
    ["copies"],
]


def test_nothing_from_the_data_commands_a_pipe(odd: Path, capsys: Capture) -> None:
    for command in [*LOOKING, ["repair", "--yes", "--unsafe"], ["history"], ["undo", "--yes"]]:
        said = say(capsys, *command, "--home", odd)
        assert said.code in (0, 1, 4), (command, said)
        for line in said.sentences().splitlines():
            assert not CONTROL.search(line), (command, line)


def test_nothing_from_the_data_commands_a_terminal(odd: Path) -> None:
    said = at_a_terminal(odd.parent, "doctor", "-v", "--home", odd)
    assert said.code == 1 and ORPHAN in said.out
    for line in plain(said).splitlines():
        assert not CONTROL.search(line), line
    assert "[red]red[/red]" in said.out, "rich took it for markup"
    assert "\\x1b]0;x\\x07" in said.out


# --- Off a terminal nobody's words are shown ----------------------------------------------------


@pytest.fixture
def damaged(home: Path) -> Iterator[Path]:
    """Return the damaged sample home: every damage, in invented words."""
    yield build("damaged", home.parent / "damaged", time.time())


def words_of(home: Path) -> set[str]:
    """Return every title, message and prompt of a home and its transcripts."""
    found: set[str] = set()
    for database in home.rglob("state.db"):
        with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as db:
            for sql in (
                "SELECT content FROM messages",
                "SELECT title FROM sessions",
                "SELECT system_prompt FROM sessions",
            ):
                found.update(row[0] for row in db.execute(sql) if isinstance(row[0], str))
    for path in home.rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                text = json.loads(line).get("content")
            except ValueError:
                continue
            if isinstance(text, str):
                found.add(text)
    return {part for text in found for part in text.splitlines() if len(part) > 14}


def test_no_words_of_anybody_leave_through_a_pipe(damaged: Path, capsys: Capture) -> None:
    words = words_of(damaged)
    assert len(words) > 100
    commands = [
        *LOOKING[:-1],
        ["find", "train"],
        ["backup"],
        ["repair", "--yes", "-v"],
        ["history", "-v"],
        ["repair", "--yes", "--unsafe"],
        ["migrate", "--to", "16", "--yes", "-v"],
        ["undo", "1", "--yes"],
    ]
    for command in commands:
        for more in ([], ["--json"]):
            if more and command[:1] in (["undo"],):
                continue
            said = say(capsys, *command, *more, "--home", damaged)
            assert said.code in (0, 1, 4), (command, said)
            heard = said.sentences()
            spelled = heard.encode().decode("unicode_escape", "replace") if more else ""
            leaked = [part for part in words if part in heard or part in spelled]
            assert not leaked, (command, more, leaked[:3])


def test_looking_at_a_terminal_changes_nothing(home: Path) -> None:
    before = files(home)
    for command in (["doctor", "-v"], ["tree"], ["locks", "list"], ["history"]):
        at_a_terminal(home.parent, *command, "--home", home)
        assert files(home) == before


@pytest.mark.parametrize("columns", [80, 120])
def test_a_line_of_the_tree_ends_between_two_facts(columns: int, tmp_path: Path) -> None:
    home = build("damaged", tmp_path / "damaged", NOW)
    shown = plain(at_a_terminal(tmp_path, "tree", "--home", home, COLUMNS=str(columns)))
    lines = [line for line in shown.splitlines() if str(tmp_path) not in line]
    assert all(cells(line) <= columns and line == line.rstrip() for line in lines), shown
    for fact in (
        '"Tidy the photo folder"',
        '"Summer concert #2"',
        "(below 20260602_190000_aa31f0b2, which is gone)",
        "2026-06-08 .. 2026-06-11",
    ):
        assert fact in shown
    assert "├── 20260608_191005_2a3187 [live]  telegram  14 messages" in shown


def test_locks_fit_on_a_terminal_of_80_columns(home: Path) -> None:
    with opened(home) as db:
        db.execute(
            "INSERT INTO compression_locks VALUES (?, ?, 1.0, 2.0)",
            (ORPHAN, f"pid={2**22 - 1}:tid=1:agent=1:nonce=2"),
        )
    shown = plain(at_a_terminal(home.parent, "locks", "list", "--home", home, COLUMNS="80"))
    lines = [line for line in shown.splitlines() if str(home) not in line]
    assert all(cells(line) <= 80 for line in lines), shown
    heading = next(line for line in lines if line.startswith("WHAT"))
    row = next(line for line in lines if line.startswith("compression-lock"))
    assert row.index("locks clean") == heading.index("CLEANED BY")
    assert re.search(r"holder: pid \d+, not there; taken .* days ago; expired .* days ago", shown)
