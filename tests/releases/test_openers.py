"""Who has a database open, with a real release as the one who has."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from hermes_repair.host import (
    OpenStatus,
    probe,
    who_has_open,
)
from tests.releases.session_db import session_db
from tests.unit.test_host_openers import needs_whole_proc


@needs_whole_proc
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_real_session_db_is_found(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "state.db"
    with session_db(tmp_path, mode) as pid:
        assert probe(path).wal_mode is (mode == "wal")
        found = who_has_open(path)
        assert (found.status, found.complete) == (OpenStatus.SOMEBODY, True)
        (process,) = found.processes
        assert (process.pid, process.same_namespace) == (pid, True)
        assert process.start_time is not None and abs(process.start_time - time.time()) < 60
        assert process.deleted == () and not process.zombie
        if mode == "delete":  # /proc alone tells: an idle connection holds no lock
            assert probe(path).holders == ()
    assert who_has_open(path).status is OpenStatus.NOBODY


@needs_whole_proc
def test_a_link_and_a_hard_link_are_seen_through(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with session_db(tmp_path / "home", "delete") as pid:
        (tmp_path / "link.db").symlink_to("home/state.db")
        (tmp_path / "hard.db").hardlink_to(tmp_path / "home" / "state.db")
        for name in ("link.db", "hard.db"):
            assert [p.pid for p in who_has_open(tmp_path / name).processes] == [pid]


@needs_whole_proc
def test_deleted_files_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with session_db(tmp_path) as pid:
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"state.db{suffix}").unlink()
        (process,) = who_has_open(path).processes
        assert (process.pid, process.deleted) == (pid, ("state.db-shm", "state.db-wal"))
        path.rename(tmp_path / "moved.db")
        shutil.copyfile(tmp_path / "moved.db", path)
        (tmp_path / "moved.db").unlink()
        found = who_has_open(path)
        assert found.status is OpenStatus.SOMEBODY
        # It was renamed before it was deleted, so only the sidecars still show our path.
        assert found.processes[0].deleted == ("state.db-shm", "state.db-wal")
        path.unlink()
        assert who_has_open(path).status is OpenStatus.SOMEBODY


@needs_whole_proc
def test_a_database_replaced_under_its_user(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with session_db(tmp_path, "delete") as pid:
        shutil.copyfile(path, tmp_path / "new.db")
        (tmp_path / "new.db").replace(path)
        (process,) = who_has_open(path).processes
        assert (process.pid, process.deleted) == (pid, ("state.db",))
