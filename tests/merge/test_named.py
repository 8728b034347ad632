"""Sessions that are named: what is shown of their chats comes whole, and nothing is left over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import run
from tests.merge.homes import RELEASES, base, merge, play, rows, view

ROTATE = """
db.end_session("choir", "compression")
db.create_session("tip", source="cli", parent_session_id="choir")
say("tip", "what was said", "and then")
"""


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("named", ["choir", "tip"])
def test_a_part_of_a_chat_brings_all_of_it(version: str, named: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, other, ROTATE)
    play(version, home, 'db.delete_session("choir")')
    before, theirs = rows(home), view(version, other)
    asked = merge(home, other)
    assert {one["session"] for one in asked.document["still_left"]} == {"choir", "tip"}
    done = merge(home, other, "--session", named)
    assert done.code == 0, done
    assert {one["session"] for one in done.document["sources"][0]["brought"]} == {"choir", "tip"}
    assert view(version, home) == theirs
    again = merge(home, other)
    assert again.code == 0 and again.document["receipt"] is None
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home) == before


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_what_was_undone_here_goes_on_in_its_place_when_named(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, home, 'db.rewind_to_message("choir", db.get_messages("choir")[-2]["id"])')
    play(version, other, 'say("choir", "and tenor?")')
    before, theirs = rows(home), view(version, other)
    asked = merge(home, other)
    assert [one["reason"] for one in asked.document["still_left"]] == ["undone-here"]
    assert merge(home, other, "--session", "choir").code == 0
    assert view(version, home) == theirs
    again = merge(home, other)
    assert again.code == 0 and again.document["receipt"] is None
    assert run("undo", "--yes", home=home).code == 0
    assert rows(home) == before
