"""Merging the other machine week after week: what is new comes unasked, what was removed not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.command import Ran, run
from tests.merge.homes import RELEASES, base, merge, play, view

RECORDS = "hermes-repair"
TWIG = """
db.create_session("twig", source="cli", parent_session_id="choir",
    model_config={"_branched_from": "choir"})
for one in db.get_messages_as_conversation("choir"):
    db.append_message("twig", one["role"], one["content"])
"""


def brought(done: Ran) -> dict[str, str]:
    """Return what a merge brought, each with its verdict."""
    return {one["session"]: one["verdict"] for one in done.document["sources"][0]["brought"]}


def left(done: Ran) -> set[str]:
    """Return what a merge left to its owner."""
    return {one["session"] for one in done.document["still_left"]}


@pytest.mark.parametrize("version", RELEASES)
def test_week_after_week(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    # The last chat gets the ids in the home that it has in the source.
    play(version, other, 'say("new", "one", "two")\nsay("garden", "tulips")\nsay("last", "a")')
    assert brought(merge(home, other)) == {"garden": "continued", "new": "new", "last": "new"}
    play(version, other, 'say("newer", "three")\nsay("last", "b")\nsay("garden", "rain")')
    second = merge(home, other)
    assert second.code == 0, second
    assert brought(second) == {"garden": "continued", "last": "continued", "newer": "new"}
    # The home goes on, and removes what it had from the start and what was brought.
    play(version, home, 'say("mine", "x")\ndb.delete_session("new")\ndb.delete_session("choir")')
    play(version, other, 'say("newest", "four")\nsay("last", "c")\nsay("new", "more")')
    third = merge(home, other)
    assert brought(third) == {"last": "continued", "newest": "new"}
    assert third.code == 4 and left(third) == {"new", "choir"}
    theirs, ours = view(version, other), view(version, home)
    assert ours == {**{n: said for n, said in theirs.items() if n in ours}, "mine": ours["mine"]}
    assert ours.keys() == {"garden", "last", "newer", "newest", "mine"}


@pytest.mark.parametrize("version", ["0.14.0", "0.19.0"])
def test_after_an_undo_and_with_more_said(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, other, 'say("new", "one")\nsay("choir", "two")')
    assert merge(home, other).code == 0
    assert run("undo", "--yes", home=home).code == 0
    play(version, home, 'say("mine", "here")\nsay("mine", "and there")\nsay("mine", "x", "y")')
    play(version, other, 'say("newer", "three")')
    again = merge(home, other)
    assert again.code == 0, again
    assert brought(again) == {"choir": "continued", "new": "new", "newer": "new"}


def test_a_copy_from_between_a_merge_and_its_undo_is_asked_for(tmp_path: Path) -> None:
    """The source itself comes again unasked; what our own copy has of it was taken out here."""
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, 'say("mine", "here", "too", "now")')  # so that no id is the same by chance
    play("0.19.0", other, 'say("new", "one")\nsay("garden", "tulips")')
    assert merge(home, other).code == 0
    backup = tmp_path / "between.db"
    shutil.copyfile(home / "state.db", backup)
    assert run("undo", "--yes", home=home).code == 0
    now = view("0.19.0", home)
    done = merge(home, backup)
    assert not brought(done) and left(done) == {"new", "garden"} and view("0.19.0", home) == now
    assert brought(merge(home, other)) == {"garden": "continued", "new": "new"}


def test_an_undone_turn_of_a_brought_chat_stays_undone(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "one", "two")')
    assert merge(home, other).code == 0
    third = 'db.get_messages("new")[2]["id"]'
    play("0.19.0", home, f'db.rewind_to_message("new", {third})')
    play("0.19.0", other, 'say("new", "three")\nsay("newer", "four")')
    now = view("0.19.0", home)
    done = merge(home, other)
    assert brought(done) == {"newer": "new"} and left(done) == {"new"}
    assert view("0.19.0", home)["new"] == now["new"]


@pytest.mark.parametrize("version", ["0.16.0", "0.19.0"])
def test_a_branch_of_what_was_undone_here_is_asked_for_every_time(
    version: str, tmp_path: Path
) -> None:
    """The other machine took the undo, and its branch has what was undone all the same."""
    home, other = base(version, tmp_path)
    play(version, other, TWIG)
    play(version, home, 'db.rewind_to_message("choir", 3)\nsay("choir", "instead")')
    for _ in range(2):
        done = merge(home, other)
        assert [(one["session"], one["reason"]) for one in done.document["still_left"]] == [
            ("twig", "undone-here")
        ]
        assert merge(other, home).code == 0
    assert view(version, other)["choir"] == view(version, home)["choir"]
    assert merge(home, other, "--session", "twig").code == 0
    assert view(version, home) == view(version, other)


def test_a_branch_is_asked_for_also_beside_a_fork_of_what_it_was_made_of(tmp_path: Path) -> None:
    """The fork has nothing undone: what was undone stands in the chat that was here before."""
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, f'{TWIG}\ndb.replace_messages("choir", [])\nsay("choir", "anew")')
    play("0.19.0", home, 'db.rewind_to_message("choir", 3)\nsay("choir", "instead")')
    for verdicts in ({"choir": "fork"}, {}):
        done = merge(home, other)
        assert brought(done) == verdicts and left(done) == {"twig"}


@pytest.mark.parametrize("gone", ["undone", "rewritten"])
def test_a_branch_that_begins_as_one_here_does_not_bring_back_what_is_gone(
    gone: str, tmp_path: Path
) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, TWIG)
    take = {
        "undone": 'db.rewind_to_message("choir", 3)',
        "rewritten": 'db.replace_messages("choir", db.get_messages_as_conversation("choir")[:2])',
    }
    play("0.19.0", home, f"{take[gone]}\n{TWIG.replace('twig', 'ours')}")
    now = view("0.19.0", home)
    done = merge(home, other)
    assert not brought(done) and "twig" in left(done) and view("0.19.0", home) == now


def test_two_ways(tmp_path: Path) -> None:
    """Each machine merges the other, and both go on; nothing that one removed comes back."""
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, 'say("a1", "one")\nsay("a2", "two")')
    play("0.19.0", other, 'say("b1", "three")\nsay("b2", "four")')
    assert merge(home, other).code == 0
    assert merge(other, home).code == 0
    assert view("0.19.0", home) == view("0.19.0", other)
    play("0.19.0", home, 'say("b1", "five")\nsay("a3", "six")\ndb.delete_session("a1")')
    play("0.19.0", other, 'say("b3", "seven")\ndb.delete_session("b2")')
    back = merge(home, other)
    assert brought(back) == {"b3": "new"} and left(back) == {"a1"}
    there = merge(other, home)
    assert brought(there) == {"b1": "continued", "a3": "new"} and left(there) == {"b2"}


def test_without_the_receipts_what_is_gone_is_asked_for(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, 'say("mine", "here", "too")')  # so that no id is the same by chance
    play("0.19.0", other, 'say("new", "one")\nsay("garden", "tulips")')
    assert merge(home, other).code == 0
    shutil.rmtree(home / RECORDS)
    play("0.19.0", home, 'db.delete_session("new")')
    play("0.19.0", other, 'say("garden", "rain")')
    again = merge(home, other)
    assert left(again) == {"new"}
    assert brought(again) == {"garden": "continued"}


def test_a_copy_of_the_home_does_not_bring_back_a_fork(tmp_path: Path) -> None:
    """A fork has an id and times of its own, by which no receipt knows it."""
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, 'say("choir", "here")')
    play("0.19.0", other, 'say("choir", "there")')
    [fork] = [one["into"] for one in merge(home, other).document["sources"][0]["brought"]]
    backup = tmp_path / "backup.db"
    shutil.copyfile(home / "state.db", backup)
    play("0.19.0", home, f'db.delete_session("{fork}")')
    done = merge(home, backup)
    assert done.code == 4 and left(done) == {fork} and fork not in view("0.19.0", home)


def test_after_the_undo_of_a_merge_a_deleted_chat_stays_deleted(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("new", "one")\nsay("newer", "two")')
    assert merge(home, other).code == 0
    play("0.19.0", home, 'db.delete_session("new")\ndb.delete_session("choir")')
    undone = run("undo", "--yes", home=home)
    done = merge(home, other)
    assert "choir" in left(done), (undone, done)
    assert "choir" not in view("0.19.0", home)
    assert "new" not in view("0.19.0", home), undone


@pytest.mark.parametrize("version", ["0.14.0", "0.19.0"])
@pytest.mark.parametrize("last", [True, False])
def test_what_came_from_here_without_receipts_stays_removed(
    version: str, last: bool, tmp_path: Path
) -> None:
    """Only the database came back, with later ids for what the home said and removed since, and one
    of the chats went on there: what began before the home went on may be one of them.
    """
    home, other = base(version, tmp_path)
    play(version, other, 'say("theirs", "one", "two", "three")')
    play(version, home, 'say("a1", "four")\nsay("a2", "five")')
    assert merge(other, home).code == 0
    play(version, other, 'say("a1", *"some more words than were removed".split())')
    gone = 'db.delete_session("a1")\ndb.delete_session("a2")'
    more = 'say("later", "six")\nsay("later", "seven", "eight", "nine")'
    play(version, home, f"{more}\n{gone}" if last else f"{gone}\n{more}")
    play(version, other, 'say("after", "nine")')
    scp = tmp_path / "scp.db"
    shutil.copyfile(other / "state.db", scp)
    now = view(version, home)
    [seen] = run("copies", scp, "--json", home=home).document["copies"]
    done = merge(home, scp)
    assert set(seen["brought"]) == set(brought(done)) and set(seen["asked"]) == left(done)
    assert {"a1", "a2"} <= left(done) and "after" in brought(done), done
    assert "name its whole home folder" in " ".join(done.document["sources"][0]["notes"])
    assert view(version, home).keys() == {*now, *brought(done)}


@pytest.mark.parametrize("apart", [True, False])
def test_a_branch_with_words_that_were_undone_here_and_said_again_there(
    apart: bool, tmp_path: Path
) -> None:
    """It comes with what it is a branch of, also where that is a fork, and at once."""
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, 'say("choir", "ok")')
    assert merge(other, home).code == 0
    undo = 'db.rewind_to_message("choir", db.get_messages("choir")[-2]["id"])'
    play("0.19.0", home, f'{undo}\nsay("choir", "instead")')
    assert merge(other, home).code == 0
    if apart:
        play("0.19.0", home, 'say("choir", "ours")')
    play("0.19.0", other, f'say("choir", "ok", "theirs")\n{TWIG}')
    for new in (True, False):
        done = merge(home, other)
        assert bool(done.document["receipt"]) == new and not left(done)
    assert view("0.19.0", home)["twig"] == view("0.19.0", other)["twig"]


@pytest.mark.parametrize("more", [True, False])
def test_what_left_no_row_in_common_is_asked_for_of_a_database_alone(
    more: bool, tmp_path: Path
) -> None:
    """No id is common any more, and the other machine's receipts are not beside its database."""
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("theirs", "one", "two")')
    play("0.19.0", home, 'say("mine", "three")')
    assert merge(other, home).code == 0
    gone = "".join(f'db.delete_session("{one}")\n' for one in ("choir", "garden", "mine"))
    play("0.19.0", home, gone + ('say("more", "four")' if more else ""))
    now = view("0.19.0", home)
    done = merge(home, other / "state.db")
    assert left(done) >= {"choir", "garden", "mine"} and view("0.19.0", home) == now
    told = merge(home, other)
    assert left(told) >= {"choir", "garden", "mine"}
    assert "mine" not in view("0.19.0", home)
