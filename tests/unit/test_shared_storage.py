"""DB011: a WAL database where others may write too, told by the mount and by names."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermes_repair.host.filesystems import Filesystem
from hermes_repair.host.synced_folders import synced_by
from tests import in_process
from tests.homes.small import small_home


@pytest.mark.parametrize(
    ("kind", "local", "found"),
    [
        ("nfs4", False, True),
        ("fuse.sshfs", False, True),
        ("9p", False, True),
        ("ext4", True, False),
        ("overlay", True, False),
        ("fuseblk", False, False),
        ("unknown", False, False),
    ],
)
def test_by_the_filesystem(
    kind: str, local: bool, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = small_home(tmp_path / "home")
    place = Filesystem(kind, local)
    monkeypatch.setattr("hermes_repair.checks.shared_storage.filesystem", lambda _path: place)
    found_there = in_process.look(home, in_process.fixed_environment(tmp_path)).findings
    findings = [one for one in found_there if one.id == "DB011"]
    assert bool(findings) is found
    assert not findings or kind in findings[0].message


@pytest.mark.parametrize(
    ("made", "asked", "program"),
    [
        (".stfolder", "hermes", "Syncthing"),
        (".dropbox.cache", "a/hermes", "Dropbox"),
        ("OneDrive - Example Ltd/hermes", "OneDrive - Example Ltd/hermes", "OneDrive"),
        ("Library/CloudStorage/Box", "Library/CloudStorage/Box/hermes", "a cloud drive"),
        ("beside/.stfolder", "hermes", None),
        (".dropbox", "hermes", None),  # its settings, in the folder of the user
    ],
)
def test_by_names(made: str, asked: str, program: str | None, tmp_path: Path) -> None:
    (tmp_path / made).mkdir(parents=True)
    found = synced_by(tmp_path / asked)
    assert (found[0] if found is not None else None) == program
