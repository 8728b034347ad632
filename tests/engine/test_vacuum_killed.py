"""``vacuum`` is killed and fails at every step: the file is the old one or the new one, whole."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from hermes_repair.app.environment import Run
from hermes_repair.app.vacuum import Vacuumed, vacuum
from hermes_repair.model.errors import HermesRepairError
from tests.engine.faults import Shim, bytes_in_process, disk_error, fail_at, full_disk, shimmed
from tests.engine.kills import judge, pictures
from tests.engine.test_install import lies, settle
from tests.homes.content import content
from tests.homes.damage import ONE_MORE, leave_wal
from tests.homes.home import changing
from tests.homes.small import HEALTHY, NOW, small_home
from tests.in_process import fixed_environment, home_of, ids, look, undo


def with_room(home: Path, *, wal: bool) -> None:
    small_home(home, 14)
    with changing(home) as db:
        db.execute("CREATE TABLE big (data)")
        db.execute("INSERT INTO big VALUES (zeroblob(200000))")
        db.execute("DELETE FROM big")
    if wal:
        leave_wal(home, (ONE_MORE, (HEALTHY, "only in the -wal", NOW)))


def make_smaller(home: Path) -> Vacuumed:
    return vacuum(Run(home_of(home), fixed_environment(home.parent)), lambda _foreseen: True)


def of_value(home: Path) -> dict[str, bytes]:
    """Return the files of the database but its -shm, which SQLite makes anew."""
    return {side: data for side, data in lies(home).items() if side != "-shm"}


def assert_whole(home: Path, old: dict[str, bytes], smaller: int) -> None:
    """See that the old files or the new one are there, and that the next command settles it."""
    settle(home, fixed_environment(home.parent))
    now = of_value(home)
    assert now == old or (list(now) == [""] and len(now[""]) == smaller)
    assert content(home)
    assert not any(home.glob(".state.db*")), "something was left behind"
    assert not list(home.glob("hermes-repair/backups/salvaged-*"))
    assert "RP001" not in ids(look(home, fixed_environment(home.parent)))
    if now != old:
        undo(home, fixed_environment(home.parent))
    assert of_value(home) == old


@pytest.mark.parametrize("wal", [True, pytest.param(False, marks=pytest.mark.long)])
def test_killed_before_every_step(wal: bool, place: Path) -> None:
    home = place / "home"
    with_room(home, wal=wal)
    old = of_value(home)
    done: list[Vacuumed] = []
    taken, _ = pictures(home, lambda: done.append(make_smaller(home)), place)
    assert done[0].installed is not None and done[0].size is not None
    smaller = done[0].size
    assert len(taken) >= 10
    judge(taken, lambda shot: assert_whole(shot, old, smaller))


@pytest.mark.parametrize("every", [29, pytest.param(1, marks=pytest.mark.long)])
def test_a_step_fails(every: int, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_in_process(monkeypatch)
    home, source = place / "home", place / "as-it-was"
    with_room(source, wal=True)
    old = of_value(source)
    smaller = 0
    for number in range(every, 600, every):
        for kind in (disk_error, full_disk):
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(source, home)
            try:
                with shimmed(Shim(home, fail_at(number, kind))) as shim:
                    make_smaller(home)
            except (HermesRepairError, OSError, sqlite3.Error):
                pass
            bytes_in_process(monkeypatch)
            now = of_value(home)
            smaller = smaller or (len(now[""]) if list(now) == [""] else 0)
            try:
                assert_whole(home, old, smaller)
            except BaseException as error:
                error.add_note(f"{kind.__name__} at step {number}: {shim.steps[number - 1 :][:1]}")
                raise
        if len(shim.steps) < number:
            break
    assert number > 50
