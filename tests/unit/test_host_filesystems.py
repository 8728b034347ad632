"""host.filesystems: owners, permissions and space (places are in test_host_procfs)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hermes_repair.host import can_write, differing_owner, filesystem, free_bytes, owner
from tests.unit.host_helpers import NOBODY, as_nobody


def test_where_the_test_runs(tmp_path: Path) -> None:
    found = filesystem(tmp_path / "does not exist")
    assert found.kind != "unknown" and found.device is not None
    assert free_bytes(tmp_path) == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)


def test_owner_and_ours(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    found = owner(path)
    assert (found.uid, found.gid) == (os.geteuid(), path.stat().st_gid)
    assert differing_owner(path) is None
    with pytest.raises(FileNotFoundError):
        owner(tmp_path / "absent")


def test_somebody_elses(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, NOBODY, NOBODY)
    found = differing_owner(path)
    assert found is not None and found.uid == NOBODY and found.user == "nobody"
    os.chown(path, 54321, 54321)
    found = differing_owner(path)
    assert found is not None and (found.user, found.group) == (None, None)


def test_as_another_user(tmp_path: Path) -> None:
    for part in (tmp_path, *list(tmp_path.parents)[:-1]):
        part.chmod(part.stat().st_mode | 0o055)
    path = tmp_path / "state.db"
    path.touch(0o644)
    code = """
    path = Path(sys.argv[1])
    found = host.differing_owner(path)
    print(found is not None and found.uid, host.can_write(path), host.can_write(path.parent))
    """
    assert as_nobody(code, str(path)).split() == ["0", "False", "False"]
    os.chown(path, NOBODY, NOBODY)
    os.chown(tmp_path, NOBODY, NOBODY)
    assert as_nobody(code, str(path)).split() == ["False", "True", "True"]
    os.chown(path, NOBODY, 0)
    assert as_nobody(code, str(path)).split()[0] == str(NOBODY)


def test_can_write_of_our_own(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.touch()
    assert can_write(path) and can_write(tmp_path)
    assert not can_write(tmp_path / "absent")
