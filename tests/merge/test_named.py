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


@pytest.mark.parametrize("version", ["0.16.0", "0.19.0"])
def test_what_was_named_and_became_another_chat_here_comes_once_more(
    version: str, tmp_path: Path
) -> None:
    home, other = base(version, tmp_path)
    undo = 'db.rewind_to_message("choir", db.get_messages("choir")[-2]["id"])'
    play(version, home, f'{undo}\nsay("choir", "instead")')
    play(version, other, 'say("choir", "and tenor?")')
    named = ("--session", "choir")
    fork = merge(home, other, *named).document["sources"][0]["brought"][0]["into"]
    play(version, home, f'db.replace_messages("{fork}", [])\nsay("{fork}", "about the bass")')
    done = merge(home, other, *named)
    assert done.code == 0 and not done.document["refused"], done
    [another] = [one["into"] for one in done.document["sources"][0]["brought"]]
    assert another != fork
    shown = view(version, home)
    assert shown[another] == view(version, other)["choir"]
    assert [words for _, words in shown[fork]] == ["about the bass", "re: about the bass"]


@pytest.mark.parametrize("instead", [True, False])
def test_a_branch_of_what_was_undone_comes_when_what_it_hangs_on_was_named(
    instead: bool, tmp_path: Path
) -> None:
    """Once named it is taken away no more, whether it is a fork here or the chat itself."""
    home, other = base("0.19.0", tmp_path)
    undo = 'db.rewind_to_message("choir", db.get_messages("choir")[-2]["id"])'
    more = 'say("choir", "instead")' if instead else ""
    play("0.19.0", home, f"{undo}\n{more}")
    play(
        "0.19.0",
        other,
        """
db.create_session("twig", source="cli", parent_session_id="choir",
    model_config={"_branched_from": "choir"})
for one in db.get_messages_as_conversation("choir"):
    db.append_message("twig", one["role"], one["content"])
say("twig", "in the twig")
say("choir", "and tenor?")
""",
    )
    asked = merge(home, other)
    assert {one["session"] for one in asked.document["still_left"]} == {"choir", "twig"}
    assert merge(home, other, "--session", "choir").code == 0
    assert "twig" not in view("0.19.0", home)
    assert merge(home, other).code == 0
    assert view("0.19.0", home)["twig"] == view("0.19.0", other)["twig"]
