"""Every command that is printed acts on the home it was printed for, typed as it stands."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from hermes_repair.model.commands_to_type import quoted
from tests.cli.speaking import commands, say
from tests.homes.home import changing
from tests.homes.small import FRONT, HEALTHY, add_session, small_home

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a home with a space in its path, a profile ``wp`` and one that nobody has used."""
    root = small_home(tmp_path / "my home")
    small_home(root / "profiles" / "wp")
    (root / "profiles" / "unused" / "sessions").mkdir(parents=True)
    return root


def meant_for(words: list[str]) -> tuple[str | None, str | None]:
    """Return what a command names as its home and its profile."""
    named = dict(pairwise(words))
    return named.get("--home"), named.get("--profile")


@pytest.mark.parametrize(
    "words",
    [["doctor"], ["doctor", "-v"], ["locks", "list"], ["repair", "--dry-run"], ["backup", "list"]],
    ids=" ".join,
)
def test_commands_name_the_profile_at_hand(words: list[str], base: Path, capsys: Capture) -> None:
    every = [] if words[0] == "backup" else ["--all-profiles"]
    said = say(capsys, *words, *every, "--home", base)
    first, _, second = said.out.partition(f"Hermes home {base}/profiles/wp")
    typed = list(commands(first))
    assert typed and all(meant_for(found) == (str(base), None) for found in typed), typed
    if every:
        second, _, table = second.partition("\nPROFILE ")
        assert words[0] != "doctor" or {meant_for(c) for c in commands(table)} == {
            (str(base), None),
            (str(base), "wp"),
        }
        typed = list(commands(second))
        assert typed and all(meant_for(found) == (str(base), "wp") for found in typed), typed
    by_name = say(capsys, *words, "--home", base, "--profile", "wp")
    assert {meant_for(found) for found in commands(by_name.out)} == {(str(base), "wp")}


def test_undo_as_it_is_printed_takes_back_the_profile(base: Path, capsys: Capture) -> None:
    said = say(capsys, "repair", "--yes", "--all-profiles", "--home", base)
    assert said.code == 0
    lines = [line for line in said.out.splitlines() if line.startswith("To undo it: ")]
    assert len(lines) == 2
    _, *words = next(commands(lines[1]))
    assert say(capsys, *words, "--yes").code == 0
    states = [
        say(capsys, "history", "--json", "--home", home).document["history"][0]["state"]
        for home in (base, base / "profiles" / "wp")
    ]
    assert states == ["done", "undone"]


def test_a_home_of_the_environment_is_named(
    base: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_HOME", str(base))
    typed = {meant_for(found) for found in commands(say(capsys, "doctor").out)}
    assert typed == {(str(base), None)}, "the next shell may not have the variable"


def test_the_usual_home_needs_no_words(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = small_home(Path.home() / ".hermes")
    small_home(usual / "profiles" / "wp")
    assert {meant_for(found) for found in commands(say(capsys, "doctor").out)} == {(None, None)}
    said = say(capsys, "doctor", "--all-profiles").out
    assert {meant_for(found) for found in commands(said)} == {(None, None), (None, "wp")}
    (usual / "active_profile").write_text("wp")
    assert {meant_for(found) for found in commands(say(capsys, "doctor").out)} == {(None, None)}
    said = say(capsys, "doctor", "--profile", "default").out
    assert {meant_for(found) for found in commands(said)} == {(None, "default")}


def test_the_hint_of_an_error_names_the_home(base: Path, capsys: Capture) -> None:
    said = say(capsys, "tree", "nope", "--home", base, "--profile", "wp")
    assert said.code == 2
    assert [meant_for(found) for found in commands(said.err)] == [(str(base), "wp")]
    assert say(capsys, "repair", "--yes", "--home", base).code == 0
    for words, code in ((["undo"], 4), (["restore", "x"], 2)):
        said = say(capsys, *words, "--home", base)
        assert said.code == code and "--dry-run" not in said.err
        assert [meant_for(found) for found in commands(said.err)] == [(str(base), None)]


def test_the_hint_of_a_wrong_command_line_names_the_home(base: Path, capsys: Capture) -> None:
    said = say(capsys, "locks", "install", "--home", base, "--profile=wp")
    assert said.code == 2
    assert [meant_for(found) for found in commands(said.err)] == [(str(base), "wp")]


def test_json_keeps_the_hint_plain_beside_the_home(base: Path, capsys: Capture) -> None:
    """``hint`` is the command alone; the document names its home."""
    document = say(capsys, "doctor", "--json", "--home", base, "--profile", "wp").document
    assert document["home"] == str(base / "profiles" / "wp")
    hints = {finding["hint"] for finding in document["findings"]}
    assert hints == {"hermes-repair repair", "hermes-repair locks clean"}
    document = say(capsys, "tree", "x", "--json", "--home", base).document
    assert document["home"] == str(base) and str(base) not in document["error"]["hint"]


@pytest.mark.parametrize("words", [["--grace", "nan"], ["--home={}", "--nonsense"]], ids=str)
def test_the_json_of_a_wrong_command_line_names_the_home(
    words: list[str], base: Path, capsys: Capture
) -> None:
    words = [word.format(base) for word in words]
    named = [] if any("home" in word for word in words) else ["--home", str(base)]
    said = say(capsys, "locks", "clean", "--json", *named, *words)
    assert said.code == 2 and said.document["home"] == str(base)


def test_next_after_a_dry_run_does_what_was_shown(base: Path, capsys: Capture) -> None:
    asked = ["repair", "--session", FRONT, "--select", "TR", "--backup"]
    said = say(capsys, *asked, "--dry-run", "--home", base)
    words = next(commands(said.out[said.out.index("Next:") :]))
    assert sorted(words[1:]) == sorted([*asked, "--home", str(base)])


def test_hints_of_a_fork_can_be_typed(base: Path, capsys: Capture) -> None:
    parent = "it's $HOME"
    with changing(base) as db:
        add_session(db, parent, [("user", "one", 6.0), ("assistant", "two", 6.1)])
        db.execute(
            "UPDATE sessions SET ended_at = started_at + 9e4, end_reason = 'compression'"
            " WHERE id = ?",
            (parent,),
        )
        for number in (1, 2):
            talk = [("user", f"half {number}", 7.5), ("assistant", f"so {number}", 7.6 + number)]
            add_session(db, f"half-{number}", talk, parent=parent)
    said = say(capsys, "doctor", "--select", "LN002", "--home", base)
    hint = next(line for line in said.out.splitlines() if line.startswith("  -> "))
    show, resolve = commands(hint.replace("; then ", "\n"))
    assert show[1:] == ["forks", "--home", str(base), parent]
    assert resolve[:5] == show[:5] and "half-2" in resolve
    assert say(capsys, *show[1:]).code == 0
    assert say(capsys, *resolve[1:], "--dry-run").code in (0, 4)


def test_a_schema_newer_than_known_is_not_sent_to_migrate(tmp_path: Path, capsys: Capture) -> None:
    home = small_home(tmp_path / "home", 13)  # below 14 no message can be inactive
    with changing(home) as db:
        db.execute("UPDATE schema_version SET version = 41")
        db.execute(
            "INSERT INTO messages (session_id, role, content, tool_calls, timestamp)"
            " VALUES (?, 'assistant', '', ?, 1.0)",
            (HEALTHY, '[{"id": "c1", "function": {"name": "f", "arguments": "{}"}}]'),
        )
    said = say(capsys, "doctor", "--home", home)
    assert "schema 41" in said.out and "MS005" in said.out
    assert "hermes-repair migrate" not in said.out


@pytest.mark.parametrize(
    "word", ["plain", "a b", "it's", "", "$HOME", "a\x1b[31m", "x\ny", "Café 😀", "bad\udcff"]
)
def test_a_quoted_word_is_read_back_by_a_shell(word: str) -> None:
    shown = subprocess.run(
        ["bash", "-c", f"printf %s {quoted(word)}"],
        capture_output=True,
        check=True,
    ).stdout
    assert shown == word.encode("utf-8", "surrogateescape")
    assert quoted(word).isprintable()
