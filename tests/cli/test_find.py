"""``find`` counts messages and not places, knows titles, and shows words to a person alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hermes_repair.app.find_words import Place, Words, one_by_one
from tests.cli.speaking import assert_document, at_a_terminal, commands, say
from tests.cli.test_terminal import plain
from tests.homes.home import changing, execute_all
from tests.homes.small import FRONT, HEALTHY, SECRET

Capture = pytest.CaptureFixture[str]


def place(where: str, key: bytes, session: str = "s", path: str = "") -> Place:
    return Place(where=where, session_id=session, role="user", at=None, path=path, key=key)


def test_places_of_one_message_are_one() -> None:
    inside, twice = place("database", b"a"), place("database", b"a")
    in_file, again = place("file", b"a", path="s.jsonl"), place("file", b"a", path="s.jsonl")
    third = place("file", b"a", path="s.jsonl")
    copy = place("copy", b"a", path="old.db")
    found = one_by_one([inside, twice, in_file, again, third, copy])
    assert found == ((inside, in_file, copy), (twice, again), (third,))


def test_other_words_or_another_chat_are_other_messages() -> None:
    places = [place("database", b"a"), place("file", b"b"), place("copy", b"a", session="t")]
    assert one_by_one(places) == tuple((one,) for one in places)


@pytest.mark.parametrize(
    ("text", "around"),
    [
        ("heron", "heron"),
        ("The HERON waits.", "The HERON waits."),
        ("a " * 40 + "heron\n\tat   the weir " + "b " * 40, "a a a a a a heron at the weir b b"),
        ("Straße", "Straße"),
        ("We never heat without any oil, and yet the heron waits.", "…any oil, and yet the heron"),
        ("heron " + "letters " * 9, "heron letters letters letters letters letters letters…"),
        ("x" * 60 + "heron" + "y" * 60, "…" + "x" * 25 + "heron"),
    ],
)
def test_what_stands_around_a_word(text: str, around: str) -> None:
    word = "heron" if "heron" in text.lower() else "strasse"
    sought = Words(word, snippets=True)
    assert sought.match(text) and around in sought.around(text)
    assert len(sought.around(text)) < 100
    assert Words(word).around(text) == "", "nobody may see it"


def test_it_counts_messages(home: Path, capsys: Capture) -> None:
    """Six messages that the database, the file and a copy have are six, not eighteen."""
    shutil.copyfile(home / "state.db", home / "state.db.bak")
    assert say(capsys, "repair", "--yes", "--select", "TR", "--home", home).code == 0
    said = say(capsys, "find", "heron", "--home", home, "--json")
    assert_document("find", said.document)
    own = [one for one in said.document["messages"] if one["session_id"] == FRONT]
    places = said.document["places"]
    for one in own:
        assert len({(places[n]["where"], places[n]["path"]) for n in one["places"]}) >= 2
        assert {places[n]["session_id"] for n in one["places"]} == {FRONT}
    assert len(places) > len(said.document["messages"])
    lines = say(capsys, "find", "heron", "-v", "--home", home).out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(FRONT))
    assert lines[at].endswith(f": {len(own)} messages, its title")
    assert all(line.startswith("  ") for line in lines[at + 1 : at + 1 + len(own)])
    assert "; in state.db.bak" in said.out or any("; in state.db.bak" in line for line in lines)


def test_what_only_a_file_has_is_brought_back(home: Path, capsys: Capture) -> None:
    (home / "sessions" / f"{HEALTHY}.jsonl").write_text(
        json.dumps({"role": "user", "content": "a quince", "timestamp": "2026-05-02T10:00:00"})
    )
    said = say(capsys, "find", "quince", "--home", home)
    *_, last = said.out.splitlines()
    assert last == f"Next: hermes-repair backfill --home {home} {HEALTHY} --dry-run"
    (words,) = commands(last)
    assert say(capsys, *words[1:]).code == 0


def test_titles_are_searched(home: Path, capsys: Capture) -> None:
    execute_all(home, f"UPDATE sessions SET title = 'Quinces and Pears' WHERE id = '{HEALTHY}'")
    said = say(capsys, "find", "pears", "--home", home)
    (line,) = (line for line in said.out.splitlines() if line.endswith("): its title"))
    assert line.startswith(HEALTHY) and "Quinces" not in said.out
    found = say(capsys, "find", "pears", "--home", home, "--json").document
    assert found["titles"] == [HEALTHY] and found["messages"] == found["places"] == []


def test_words_and_titles_are_for_a_person(home: Path, capsys: Capture) -> None:
    with changing(home) as db:
        db.execute(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, 'user', ?, ?)",
            (HEALTHY, "please keep the quince recipe\x1b[31m for me", 1780000000.0),
        )
    said = at_a_terminal(home.parent, "find", "quince", "--home", home)
    assert "    please keep the quince recipe\\x1b[31m for me" in plain(said).splitlines()
    assert SECRET in said.out, "the title of its chat"
    for words in (["--no-titles"], ["--json"]):
        said = at_a_terminal(home.parent, "find", "quince", *words, "--home", home)
        assert said.code == 0 and "recipe" not in said.out and SECRET not in said.out
    said = say(capsys, "find", "quince", "--home", home)
    assert HEALTHY in said.out and "recipe" not in said.out
