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
