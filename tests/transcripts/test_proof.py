"""After ``backfill`` each release reads what 0.14.0 read of the files (R7)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.by_releases import hurt_home
from tests.homes.content import rows, sound
from tests.homes.home import query
from tests.homes.small import NOW
from tests.releases import release
from tests.scenario.judge import append_turn, differences, open_with, read_transcripts

IMPORTS = ("0.19.0",)
"""Releases that can import chats."""
LATER = ("0.15.2", "0.16.0", "0.17.0", "0.18.2", "0.19.0")
COMES_BACK = ("front", "middle", "tail", "all_rows")
RIGHT = ("nothing", "torn", "shorter", "no_file")
TOKENS = "SELECT id, input_tokens, output_tokens, cache_read_tokens FROM sessions ORDER BY id"


@pytest.fixture(scope="module", params=[40, pytest.param(200, marks=pytest.mark.long)])
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, list[str]]]:
    """Return a home of so many chats and, by what hurts them, which: a tenth of them each."""
    for version in ("0.14.0", *LATER):
        release(version)
    home = tmp_path_factory.mktemp("hurt") / "home"
    return home, hurt_home(home, sessions=request.param, turns=4)


@pytest.mark.parametrize("version", LATER)
def test_every_release_reads_what_0_14_read(
    built: tuple[Path, dict[str, list[str]]], version: str, tmp_path: Path
) -> None:
    source, by_hurt = built
    home = tmp_path / "home"
    shutil.copytree(source, home)
    back = [session for hurt in COMES_BACK for session in by_hurt[hurt]]
    right = [session for hurt in RIGHT for session in by_hurt[hurt]]
    expected = read_transcripts("0.14.0", home, [*back, *right])
    open_with(version, home)
    before = rows(home / "state.db", besides=back)
    tokens = query(home, TOKENS)
    lacking = differences(version, home, expected)
    assert set(lacking) == set(back), "the damage is what this release does not show"

    looked = run("backfill", "--report", "--json", home=home).document["classification"]
    done = run("backfill", "--yes", "--json", home=home)
    assert done.code == 0, done.out + done.err

    left = set(differences(version, home, expected))
    if version in IMPORTS:
        # An import leaves no trace of what was undone before it: without a row that shows there
        # was none, the rest is asked for.
        assert left >= set(by_hurt["all_rows"])
        assert left.isdisjoint(by_hurt["tail"])
        done = run("backfill", *sorted(left), "--yes", "--json", home=home)
        assert done.code == 0, done.out + done.err
    else:
        assert not left
    assert differences(version, home, expected) == {}
    assert rows(home / "state.db", besides=back) == before, "a chat that was right changed"
    assert query(home, TOKENS) == tokens
    gone = by_hurt["no_session"]
    assert query(home, f"SELECT id FROM sessions WHERE id IN ({marks(gone)})") == []
    sound(home / "state.db")
    after_it = run("backfill", "--report", "--json", home=home).document["classification"]
    table = {
        verdict: (looked.get(verdict, 0), after_it.get(verdict, 0)) for verdict in looked | after_it
    }
    tenths = {
        "equal": (3, 7),
        "file-shorter": (1, 1),
        "front-or-middle-missing": (2, 0),
        "tail-missing": (1, 0),
        "all-missing": (1, 0),
        "only-in-file": (1, 1),
        "only-in-database": (1, 1),
    }
    tenth = len(by_hurt["tail"])
    assert table == {
        verdict: (first * tenth, last * tenth) for verdict, (first, last) in tenths.items()
    }
    again = run("backfill", "--dry-run", "--json", home=home).document["plan"]
    assert again["actions"] == []


def test_a_chat_that_went_on_keeps_its_new_turn_last(
    built: tuple[Path, dict[str, list[str]]], tmp_path: Path
) -> None:
    source, by_hurt = built
    home = tmp_path / "home"
    shutil.copytree(source, home)
    went_on = [by_hurt[hurt][0] for hurt in ("front", "middle")]
    expected = read_transcripts("0.14.0", home, went_on)
    new = [
        {"role": "user", "content": "Are you still there?"},
        {"role": "assistant", "content": "I am."},
    ]
    for session in went_on:
        append_turn("0.16.0", home, session, new, NOW + 3600)
    done = run("backfill", "--yes", home=home)
    assert done.code == 0, done.out + done.err
    wanted = {session: [*said, *new] for session, said in expected.items()}
    for version in LATER[1:]:
        assert differences(version, home, wanted) == {}


def test_undo_gives_the_hurt_home_back(
    built: tuple[Path, dict[str, list[str]]], tmp_path: Path
) -> None:
    source, _ = built
    home = tmp_path / "home"
    shutil.copytree(source, home)
    open_with("0.18.2", home)
    before = rows(home / "state.db")
    assert run("backfill", "--yes", home=home).code == 0
    assert rows(home / "state.db") != before
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home / "state.db") == before


def marks(ids: list[str]) -> str:
    return ", ".join(f"'{id}'" for id in ids)
