"""``kill -9`` in the middle of a merge: whole chats or nothing of them; the next run ends it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hermes_repair.app.environment import Run
from hermes_repair.app.merge_into_home import Merged, MergeRequest, merge
from hermes_repair.app.undo import undo
from hermes_repair.home.layout import open_home
from tests.engine.kills import judge, pictures
from tests.in_process import fixed_environment
from tests.merge.homes import base, play, rows

TWO_CHATS = 'say("new", "one")\nsay("choir", "two")'


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_after_a_kill_the_next_merge_ends_it(every: int, tmp_path: Path) -> None:
    home, other = base("0.19.0", tmp_path)
    play("0.19.0", other, TWO_CHATS)
    before = rows(home)
    whole = tmp_path / "whole"
    shutil.copytree(home, whole)

    def merged(root: Path) -> Merged:
        run = Run(open_home(root), fixed_environment(tmp_path))
        return merge(run, MergeRequest((other,)), lambda _: True)

    assert merged(whole).units == 2
    expected = rows(whole)
    taken, _ = pictures(home, lambda: merged(home), tmp_path / "pictures")
    assert len(taken) > 10

    def again(root: Path) -> None:
        ended = merged(root)
        assert not ended.refused and ended.stopped is None
        assert rows(root) == expected
        while (root / "hermes-repair" / "receipts").is_dir() and rows(root) != before:
            undo(Run(open_home(root), fixed_environment(tmp_path)), None, lambda _: True)
        assert rows(root) == before

    judge(taken[::-every], again)
