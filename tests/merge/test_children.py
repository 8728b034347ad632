"""A child without a mark, which releases open in place of its parent or take for a run below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import run
from tests.homes.home import execute
from tests.merge.homes import base, merge, play, rows, view

CHILD = """
db.create_session("child", source="cli", parent_session_id="choir")
say("child", "words below")
"""


@pytest.mark.parametrize("version", ["0.14.0", "0.16.0"])
def test_before_runs_had_marks_a_child_stays_below(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, other, CHILD)
    ours = view(version, home)
    done = merge(home, other)
    assert done.code == 0, done
    assert [one["session"] for one in done.document["sources"][0]["brought"]] == ["child"]
    assert view(version, home) == ours
    assert view("0.19.0", home)["choir"] == ours["choir"]  # the update marks it as a run


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_a_child_that_would_be_opened_in_place_of_a_chat_is_asked_for(
    version: str, tmp_path: Path
) -> None:
    home, other = base(version, tmp_path)
    play(version, other, CHILD)
    ours, before = view(version, home), rows(home)
    assert view(version, other)["choir"] == [
        ["user", "words below"],
        ["assistant", "re: words below"],
    ]
    done = merge(home, other)
    assert done.code == 4, done
    [left] = done.document["still_left"]
    assert (left["session"], left["reason"]) == ("child", "takes-place")
    assert view(version, home) == ours
    assert merge(home, other, "--session", "child").code == 0
    after = view(version, home)
    assert after.pop("child") == [["user", "words below"], ["assistant", "re: words below"]]
    assert after == ours
    again = merge(home, other)
    assert again.code == 0 and again.document["receipt"] is None
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home) == before


@pytest.mark.parametrize("named", ["choir", "child"])
def test_what_goes_on_behind_a_child_comes_with_it_or_waits(named: str, tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, f'say("choir", "and on")\n{CHILD}')
    ours, before = view("0.19.0", home), rows(home)
    done = merge(home, other)
    assert done.code == 4, done
    assert [(one["session"], one["reason"]) for one in done.document["still_left"]] == [
        ("choir", "child-not-brought"),
        ("child", "parent-not-brought"),
    ]
    assert rows(home) == before
    assert merge(home, other, "--session", named).code == 0
    after = view("0.19.0", home)
    [fork] = [name for name in after if name.startswith("fork-")]
    assert after.pop(fork) == view("0.19.0", other)["choir"]
    assert after == ours
    again = merge(home, other)
    assert again.code == 0 and again.document["receipt"] is None
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home) == before


def test_a_parent_below_which_the_home_has_a_chat_of_its_own_is_asked_for(tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, 'say("gone", "the parent")')
    play("0.19.0", home, CHILD)
    execute(home, "UPDATE sessions SET parent_session_id = 'gone' WHERE id = 'child'")
    done = merge(home, other)
    assert done.code == 4
    assert [one["reason"] for one in done.document["still_left"]] == ["takes-place"]


def test_a_chat_is_not_ended_for_what_continues_it_where_the_home_has_a_child(
    tmp_path: Path,
) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", home, CHILD)
    ours = view("0.19.0", home)
    play(
        "0.19.0",
        other,
        """
db.end_session("choir", "compression")
db.create_session("tip", source="cli", parent_session_id="choir")
say("tip", "now")
""",
    )
    assert merge(home, other).code == 0
    after = view("0.19.0", home)
    assert after.pop("tip") == [["user", "now"], ["assistant", "re: now"]]
    assert after == ours
