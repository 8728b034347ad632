"""Two homes that take from each other by turns: after one round both show the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.merge.homes import RELEASES, base, merge, play, view


@pytest.mark.parametrize("version", RELEASES)
def test_after_a_round_neither_has_anything_for_the_other(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, home, 'say("choir", "here only"); say("here", "a chat of its own")')
    play(version, other, 'say("choir", "there only", "and more"); say("there", "another")')
    for ours, theirs in ((home, other), (other, home)):
        assert merge(ours, theirs).code == 0
    shown = [sorted(view(version, side).values()) for side in (home, other)]
    assert shown[0] == shown[1]
    for ours, theirs in ((home, other), (other, home)):
        again = merge(ours, theirs)
        assert again.code == 0 and again.document["receipt"] is None, again.document
    play(version, home, 'say("choir", "and later")')
    done = merge(other, home)
    assert done.code == 0
    shown = [sorted(view(version, side).values()) for side in (home, other)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("version", ["0.16.0", "0.19.0"])
def test_two_forks_there_of_one_chat_here_are_that_chat(version: str, tmp_path: Path) -> None:
    """Between the two merges the chat went on here, and the first fork was compacted there."""
    home, other = base(version, tmp_path)
    play(version, home, 'say("choir", "ours")')
    play(version, other, 'say("choir", "theirs")')
    fork = merge(other, home).document["sources"][0]["brought"][0]["into"]
    play(version, home, 'say("choir", "and on")')
    play(
        version,
        other,
        f"""
db.end_session("{fork}", "compression")
db.create_session("tip", source="cli", parent_session_id="{fork}")
say("tip", "summary")
""",
    )
    assert merge(other, home).code == 0
    ours = view(version, home)
    assert merge(home, other).code == 0
    after = view(version, home)
    assert {name: after[name] for name in ours} == ours
    said = [[words for _, words in line if not words.startswith("re: ")] for line in after.values()]
    assert sorted(said) == [
        ["summary"],
        ["which roses?"],
        ["who sings alto?", "and bass?", "ours", "and on"],
        ["who sings alto?", "and bass?", "theirs"],
    ]


@pytest.mark.parametrize("version", ["0.14.0", "0.19.0"])
def test_what_comes_back_as_a_fork_stays_removed(version: str, tmp_path: Path) -> None:
    home, other = base(version, tmp_path)
    play(version, home, 'say("filler", "so that", "no id", "is the same")')
    play(version, other, 'say("late", "one")')
    assert merge(home, other).code == 0
    play(version, home, 'say("late", "ours")')
    play(version, other, 'say("late", "theirs", "too", "now")')
    assert merge(other, home).code == 0
    play(version, home, 'db.delete_session("late")\nsay("mine", "one")')
    now = view(version, home)
    done = merge(home, other)
    assert done.code == 4
    assert view(version, home) == now


@pytest.mark.parametrize("version", ["0.18.2", "0.19.0"])
def test_two_chats_there_that_were_one_come_at_once(version: str, tmp_path: Path) -> None:
    """One went apart from the chat here, the other goes on in it: no second merge is needed."""
    home, other = base(version, tmp_path)
    play(version, home, 'say("choir", "ours")')
    play(version, other, 'say("choir", "theirs")')
    fork = merge(home, other).document["sources"][0]["brought"][0]["into"]
    kept = f'db.get_messages_as_conversation("{fork}")[-2:]'
    summary = '{"role": "user", "content": "summary"}'
    play(version, home, f'db.archive_and_compact("{fork}", [{summary}, *{kept}])')
    play(version, other, 'say("choir", "and on")')
    [there] = [
        one["into"]
        for one in merge(other, home).document["sources"][0]["brought"]
        if one["session"] == fork
    ]
    play(version, other, f'say("{there}", "after the summary")')
    done = merge(home, other)
    assert done.code == 0
    brought = {one["session"]: one["into"] for one in done.document["sources"][0]["brought"]}
    assert brought.keys() == {"choir", there} and brought[there] == fork
    again = merge(home, other)
    assert again.code == 0 and again.document["receipt"] is None
    shown = [sorted(view(version, side).values()) for side in (home, other)]
    assert shown[0] == shown[1]
