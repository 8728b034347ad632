"""host.locks: the kernel's table is read and never touched; our own single-run lock."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hermes_repair.host import kernel_locks, single_run


def test_kernel_locks_of_files(tmp_path: Path) -> None:
    for name in (".tick.lock", ".jobs.lock", "free.lock"):
        (tmp_path / name).touch()
    paths = [tmp_path / n for n in (".tick.lock", ".jobs.lock", "free.lock", "absent.lock")]
    (tmp_path / "link.lock").symlink_to(".tick.lock")
    with paths[0].open("w") as tick, paths[1].open("w") as jobs:
        fcntl.flock(tick, fcntl.LOCK_EX)
        fcntl.lockf(jobs, fcntl.LOCK_EX)
        found = kernel_locks([*paths, tmp_path / "link.lock"])
        assert found is not None
        assert set(found) == {*paths[:3], tmp_path / "link.lock"}
        (held,) = found[paths[0]]
        assert (held.kind, held.pid) == ("flock", os.getpid())
        assert found[tmp_path / "link.lock"] == (held,)
        assert [(lock.kind, lock.pid) for lock in found[paths[1]]] == [("posix", os.getpid())]
        assert found[paths[2]] == ()
    assert kernel_locks(paths) == dict.fromkeys(paths[:3], ())


def test_single_run(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with single_run(path) as first:
        assert first
        assert path.stat().st_mode & 0o777 == 0o600
        with single_run(path) as second:
            assert not second
        with single_run(tmp_path / "other.lock") as other:
            assert other
    with single_run(path) as again:
        assert again
    with pytest.raises(FileNotFoundError), single_run(tmp_path / "no" / "run.lock"):
        pass


def test_single_run_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    code = """
import sys
from pathlib import Path
from hermes_repair.host import kernel_locks, single_run
with single_run(Path(sys.argv[1])) as got:
    print(got, flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"True\n"
        with single_run(path) as ours:
            assert not ours
        child.kill()
    with single_run(path) as ours:
        assert ours


def test_single_run_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "run.lock").symlink_to("elsewhere")
    with pytest.raises(OSError), single_run(tmp_path / "run.lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_on_a_file_that_lost_its_name_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who made the folder may take it away with the lock file while another one waits to open."""
    place = tmp_path / "run.lock"
    real = os.open

    def opened(path: Path, flags: int, mode: int) -> int:
        descriptor = real(path, flags, mode)
        place.unlink()  # by the run that held it, between our opening and our locking
        return descriptor

    monkeypatch.setattr("hermes_repair.host.filesystems.os.open", opened)
    with single_run(place) as mine:
        assert not mine
