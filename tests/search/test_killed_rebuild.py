"""``kill -9`` in the middle of a search table that is made anew: old or new, never between."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.command import run
from tests.engine.kills import killed
from tests.search.damages import DAMAGES
from tests.search.test_search_index import LAYOUTS, TABLES, a_home, everything, opened, said, words

COMMAND = ("repair", "--yes", "--select", "FT")


@pytest.mark.long
@pytest.mark.parametrize("kills", [12])
@pytest.mark.parametrize("layout", ["11", "23", "30"])
def test_a_rebuild_that_is_killed(layout: str, kills: int, tmp_path: Path) -> None:
    home = a_home(tmp_path, LAYOUTS[layout])
    whole = words(home)
    with opened(home) as db:
        DAMAGES["its structure record is lost"][0](db, TABLES[0])
        DAMAGES["it lost entries"][0](db, TABLES[1])
    before = everything(home)
    tried = shutil.copytree(home, tmp_path / "tried")
    ended, steps = killed(0, tried, COMMAND)
    assert ended.code == 0 and steps > 20 and words(tried) == whole
    states = []
    for place in range(1, kills + 1):
        left = shutil.copytree(home, tmp_path / f"killed-{place}")
        number = steps * place // (kills + 1)
        assert killed(number, left, COMMAND)[0].code == -9
        again = run(*COMMAND, home=left)
        assert again.code == 0, again
        assert words(left) == whole
        assert said(run("doctor", "--deep", "--json", home=left)) == {}
        while run("undo", "--yes", home=left).code == 0:
            pass
        states.append(everything(left) == before)
        shutil.rmtree(left)
    assert all(states)
