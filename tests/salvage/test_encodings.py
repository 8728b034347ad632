"""SQLite's own check of a database is understood in every encoding of its text."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from hermes_repair.store.connections import open_immutable
from hermes_repair.store.integrity import soundness
from hermes_repair.store.look import Look, View
from tests.salvage.faults import Damage, random_pages, undamaged
from tests.salvage.stores import Life, Store, life


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_what_sqlite_says_is_read(encoding: str, tmp_path: Path) -> None:
    made = life(Store(encoding=encoding, page_size=1024, sessions=8, longest=4000))
    said = {}
    for name, damage in (("whole", undamaged(Random(1), made)), ("hurt", hurt(made))):
        folder = tmp_path / name
        folder.mkdir()
        path = damage.write(folder)
        with closing(open_immutable(path)) as connection:
            said[name] = soundness(Look(connection, View.MAIN, path))
    assert said["whole"].sound, said["whole"].complaints
    assert said["hurt"].complaints and "\0" not in said["hurt"].complaints[0]


def hurt(made: Life) -> Damage:
    """Return the same with noise on a page in fifty."""
    return random_pages(Random(2), made)
