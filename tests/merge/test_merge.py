"""Two homes of one release that went apart: what is merged is what that release shows of both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.command import run
from tests.homes.content import files
from tests.homes.damage import leave_wal
from tests.homes.home import execute
from tests.merge.homes import RELEASES, base, merge, play, rows, view, viewed

Lines = dict[str, list[list[str]]]


def shows(lines: Lines) -> list[list[list[str]]]:
    """Return what is shown, whatever the chats are called."""
    return sorted(lines.values())


@pytest.mark.parametrize("version", RELEASES)
def test_every_release_shows_what_both_sides_showed(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, home, 'say("choir", "here only")')
    play(
        version,
        other,
        """
say("choir", "there only", "and more")
say("garden", "tulips?")
say("new", "a chat of its own", source="telegram")
say("root", "long ago")
db.end_session("root", "compression")
db.create_session("tip", source="cli", parent_session_id="root")
say("tip", "now")
db.set_session_title("new", "New")
""",
    )
    ours, theirs = view(version, home), view(version, other)
    before = rows(home)
    done = merge(home, other)
    assert done.code == 0, done
    brought = {one["session"]: one for one in done.document["sources"][0]["brought"]}
    assert {name: one["verdict"] for name, one in brought.items()} == {
        "choir": "fork", "garden": "continued", "new": "new", "root": "new", "tip": "new",
    }  # fmt: skip
    fork = brought["choir"]["into"]
    after, titles = viewed(version, home)
    assert after == {**theirs, "choir": ours["choir"], fork: theirs["choir"]}
    assert titles["Choir"] == "choir" and titles["New"] == "new"
    assert run("doctor", home=home).code == 0
    again = merge(home, other)
    assert again.code == 0 and again.document["receipt"] is None
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home) == before


@pytest.mark.parametrize("version", ["0.14.0", "0.19.0"])
def test_the_order_of_sources_does_not_matter(version: str, tmp_path: Path) -> None:
    home, one = base(version, tmp_path)
    two, mirror = tmp_path / "two", tmp_path / "mirror"
    shutil.copytree(home, two)
    play(version, one, 'say("choir", "one")')
    play(version, two, 'say("choir", "two")\nsay("more", "of two")')
    shutil.copytree(home, mirror)
    assert merge(home, one, two).code == merge(mirror, two, one).code == 0
    assert view(version, home) == view(version, mirror)
    # The other way round only the name of a fork differs.
    both, back = tmp_path / "both", tmp_path / "back"
    shutil.copytree(one, both)
    shutil.copytree(two, back)
    assert merge(both, two).code == merge(back, one).code == 0
    assert shows(view(version, both)) == shows(view(version, back))


@pytest.mark.parametrize("version", ["0.16.0", "0.19.0"])
def test_what_its_owner_removed_stays_removed(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, home, 'db.delete_session("garden")')
    play(version, other, 'say("brought", "one", "two")\nsay("kept", "three")')
    done = merge(home, other)
    assert done.code == 4
    [asked] = done.document["still_left"]
    assert (asked["session"], asked["verdict"]) == ("garden", "removed-or-lost")
    # What was brought is deleted, and what was kept goes on: neither comes again.
    play(version, home, 'db.delete_session("brought")\nsay("kept", "and here")')
    now = view(version, home)
    again = merge(home, other)
    assert again.code == 4 and again.document["receipt"] is None
    assert {one["session"] for one in again.document["still_left"]} == {"garden", "brought"}
    assert view(version, home) == now
    # It comes when it is named, and nothing else does.
    named = merge(home, other, "--session", "garden")
    assert named.code == 0
    assert view(version, home) == {**now, "garden": view(version, other)["garden"]}


@pytest.mark.parametrize("version", ["0.14.0", "0.18.2"])
def test_a_fork_goes_on_in_its_place(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, home, 'say("choir", "here")')
    play(version, other, 'say("choir", "there")')
    fork = merge(home, other).document["sources"][0]["brought"][0]["into"]
    play(version, other, 'say("choir", "there again")')
    done = merge(home, other)
    [more] = done.document["sources"][0]["brought"]
    assert done.code == 0 and (more["verdict"], more["into"]) == ("continued", fork)
    assert view(version, home)[fork] == view(version, other)["choir"]


def test_after_an_undo_of_ours_it_comes_again(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "one")\nsay("choir", "two")')
    first = merge(home, other).document["sources"][0]["brought"]
    assert run("undo", "--yes", home=home).code == 0
    assert merge(home, other).document["sources"][0]["brought"] == first


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ('say("new", "more")', "new"),
        ('say("choir", "more")', "choir"),
        ('db.create_session("child", source="cli", parent_session_id="new")', "parent"),
        ('db.set_session_title("new", "Mine now")', "sessions new was changed"),
        (
            'db.record_gateway_session_peer("new", source="telegram", session_key="k",'
            ' chat_id="1", chat_type="dm")',
            "new",
        ),
    ],
)
def test_what_is_in_use_by_now_is_not_undone(act: str, why: str, tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "one")\nsay("choir", "two")')
    assert merge(home, other).code == 0
    play("0.19.0", home, act)
    now = rows(home)
    undone = run("undo", "--yes", home=home)
    assert undone.code == 4 and why in undone.err, undone
    assert rows(home) == now


def test_a_chat_that_the_gateway_leads_to_is_not_undone(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "one")')
    assert merge(home, other).code == 0
    entry = {"session_key": "agent:main:telegram:dm:7", "session_id": "new"}
    (home / "sessions").mkdir(exist_ok=True)
    place = home / "sessions" / "sessions.json"
    place.write_text(json.dumps({"agent:main:telegram:dm:7": entry}), encoding="utf-8")
    now = rows(home)
    undone = run("undo", "--yes", home=home)
    assert undone.code == 4 and "gateway was led to new" in undone.err
    place.unlink()
    assert rows(home) == now and run("undo", "--yes", home=home).code == 0


def test_a_look_changes_nothing(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "one")')
    before = files(home), files(other)
    look = run("merge", other, "--dry-run", "--json", home=home)
    assert look.code == 0 and look.document["sources"][0]["brought"][0]["session"] == "new"
    assert (files(home), files(other)) == before
    assert run("merge", other, home=home).code == 4  # without --yes, off a terminal
    assert (files(home), files(other)) == before
    merge(home, other)
    assert files(other) == before[1]


def test_lost_messages_come_to_their_place_when_named(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    shown = view("0.19.0", other)
    execute(home, "DELETE FROM messages WHERE id > 2")  # what no release does: the counts stay
    done = merge(home, other)
    assert done.code == 4 and done.document["receipt"] is None
    left = {one["session"]: one for one in done.document["still_left"]}
    assert left["choir"]["lost"] and left["choir"]["into"] == "choir"
    assert merge(home, other, "--session", "choir", "--session", "garden").code == 0
    assert view("0.19.0", home) == shown


def test_a_home_that_was_never_used_takes_everything(tmp_path: Path) -> None:
    _, other = base("0.19.0", tmp_path)
    new = play("0.19.0", tmp_path / "new", "")
    assert merge(new, other).code == 0
    assert view("0.19.0", new) == view("0.19.0", other)


def test_a_wal_that_a_crash_left_at_home_is_taken_in(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "one")')
    leave_wal(home, ("UPDATE sessions SET title = 'Roses' WHERE id = 'garden'", ()))
    assert run("merge", other, "--dry-run", home=home).code == 0
    assert merge(home, other).code == 0
    assert viewed("0.19.0", home)[1]["Roses"] == "garden"
    assert view("0.19.0", home)["new"] == view("0.19.0", other)["new"]
