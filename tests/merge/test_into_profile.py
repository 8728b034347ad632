"""``merge --into-profile``: a whole lineage goes where it belongs, and is archived where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.speaking import assert_document
from tests.command import Ran, run
from tests.homes.home import query
from tests.merge.homes import BASE, play, rows, view

NEWEST = "0.19.0"
LINEAGE = """
say("root", "long ago")
db.end_session("root", "compression")
db.create_session("tip", source="cli", parent_session_id="root")
say("tip", "now")
"""


def homes(version: str, folder: Path) -> tuple[Path, Path]:
    """Return a home with a lineage that belongs into its profile ``work``, and that."""
    home = play(version, folder / "home", BASE + LINEAGE)
    (home / "profiles").mkdir()
    return home, play(version, home / "profiles" / "work", 'say("plan", "for May")')


def move(home: Path, *words: str) -> Ran:
    return run("merge", "--session", "tip", "--into-profile", "work", "--json", *words, home=home)


def test_a_lineage_goes_to_another_profile(tmp_path: Path) -> None:
    home, work = homes(NEWEST, tmp_path)
    before, shown = (rows(home), rows(work)), view(NEWEST, home)
    look = move(home, "--dry-run")
    assert look.code == 0 and (rows(home), rows(work)) == before
    assert_document("merge", look.document)
    done = move(home, "--yes")
    assert done.code == 0, done
    assert_document("merge", done.document)
    assert done.document["moved"]["sessions"] == ["root", "tip"]
    assert done.document["moved"]["archived"] == 2
    there, here = view(NEWEST, work), view(NEWEST, home)
    assert {line: said for line, said in there.items() if line != "plan"} == {
        line: said for line, said in shown.items() if line not in ("choir", "garden")
    }
    assert here.keys() == {"choir", "garden"}
    again = move(home, "--yes")
    assert again.code == 0 and again.document["receipt"] is None
    for one in (home, work):
        assert run("undo", "--yes", home=one).code == 0
    assert (rows(home), rows(work)) == before


def back(work: Path) -> Ran:
    words = ("--session", "tip", "--into-profile", "default", "--yes", "--json")
    return run("merge", *words, home=work)


@pytest.mark.parametrize("more", ["", 'say("tip", "said in work")'])
def test_a_lineage_that_goes_back_is_listed_where_it_came_from(more: str, tmp_path: Path) -> None:
    home, work = homes(NEWEST, tmp_path)
    shown = view(NEWEST, home)
    assert move(home, "--yes").code == 0
    play(NEWEST, work, more)
    there = view(NEWEST, work)
    done = back(work)
    assert done.code == 0 and done.document["moved"]["archived"] == 2, done
    assert view(NEWEST, home) == {**shown, "tip": there["tip"]}
    assert view(NEWEST, work).keys() == {"plan"}


def test_a_lineage_that_was_deleted_there_is_listed_again_when_it_is_named(tmp_path: Path) -> None:
    home, work = homes(NEWEST, tmp_path)
    assert move(home, "--yes").code == 0
    there = view(NEWEST, work)
    play(NEWEST, work, 'db.delete_session("root")\ndb.delete_session("tip")')
    assert move(home, "--yes").code == 0
    assert view(NEWEST, work) == there


def test_what_the_gateway_goes_on_with_stays_listed(tmp_path: Path) -> None:
    home, work = homes(NEWEST, tmp_path)
    (home / "sessions").mkdir(exist_ok=True)
    entry = {"session_key": "k", "session_id": "tip", "platform": "telegram", "chat_type": "dm"}
    entry |= dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00")
    (home / "sessions" / "sessions.json").write_text(json.dumps({"k": entry}), encoding="utf-8")
    shown = view(NEWEST, home)
    done = move(home, "--yes")
    assert done.code == 4 and "the gateway goes on with tip" in done.document["moved"]["stays"]
    assert view(NEWEST, home) == shown
    assert view(NEWEST, work)["tip"] == shown["tip"]


def test_a_schema_without_archives_keeps_it_and_says_so(tmp_path: Path) -> None:
    home, work = homes("0.14.0", tmp_path)
    before = rows(home)
    done = move(home, "--yes")
    assert done.code == 0 and "no archive" in done.document["moved"]["stays"]
    assert rows(home) == before
    assert query(work, "SELECT id FROM sessions ORDER BY 1") == [("plan",), ("root",), ("tip",)]


def test_what_cannot_be_moved(tmp_path: Path) -> None:
    home, work = homes(NEWEST, tmp_path)
    before = rows(home), rows(work)
    for words in (
        ("--session", "tip", "--into-profile", "nowhere"),
        ("--session", "tip", "--into-profile", "default"),
        ("--session", "nobody", "--into-profile", "work"),
        ("--into-profile", "work"),
        (str(work), "--session", "plan", "--into-profile", "work"),
    ):
        refused = run("merge", *words, "--yes", "--json", home=home)
        assert refused.code == 2 and refused.document["error"]["message"], words
    assert (rows(home), rows(work)) == before


def test_a_profile_of_an_older_schema_is_the_one_to_migrate(tmp_path: Path) -> None:
    home, _ = homes(NEWEST, tmp_path)
    old = play("0.16.0", home / "profiles" / "old", 'say("x", "y")')
    words = ("--session", "tip", "--into-profile", "old")
    for more in ("--yes", "--dry-run"):
        refused = run("merge", *words, more, "--json", home=home)
        assert refused.code == 4
        assert f"migrate --home {old}`" in refused.document["error"]["hint"]
