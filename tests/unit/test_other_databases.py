"""Which files around a home are databases, and whose: names of Hermes', of ours, of people."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hermes_repair.home.layout import Home, open_home
from hermes_repair.home.other_databases import (
    MOST_COPIES,
    CopyKind,
    DatabaseCopy,
    every_copy,
    incomplete_snapshots,
    other_databases,
    profile_of,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    root = tmp_path / "hermes"
    (root / "sessions").mkdir(parents=True)
    (root / "state.db").write_bytes(b"database")
    return open_home(root)


def put(home: Home, name: str, data: bytes = b"copy") -> Path:
    path = home.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("state.db.bak", CopyKind.COPY),
        ("state-2026.backup", CopyKind.COPY),
        ("state.db.pre-update-emergency-20260901-101010.bak", CopyKind.COPY),
        ("backups/monday/state.db", CopyKind.COPY),
        ("state.db.malformed-backup-20260901_101010", CopyKind.OF_DAMAGED),
        ("state.db.corrupt.20260901.bak", CopyKind.OF_DAMAGED),
        ("state.db.zeroed-20260901-101010-77.bak", CopyKind.OF_DAMAGED),
        ("state.db.notadb-20260901-101010-77.bak", CopyKind.OF_DAMAGED),
        ("state-snapshots/20260901-101010-pre-update/state.db", CopyKind.SNAPSHOT),
        ("hermes-repair/backups/0001-20260901T101010Z-migrate/state.db", CopyKind.BACKUP),
        ("state.db.retired-wal-20260901-101010-77/state.db", CopyKind.CAPTURE),
        ("backups/pre-update-2026-09-01-101010.zip", CopyKind.ARCHIVE),
        ("backups/pre-migration-2026-09-01-101010.zip", CopyKind.ARCHIVE),
        ("profiles/work/state.db", CopyKind.PROFILE),
        ("../hermes.bak/state.db", CopyKind.HOME),
        ("../hermes-old-2026/state.db", CopyKind.HOME),
    ],
)
def test_what_a_file_is_by_its_name(home: Home, name: str, kind: CopyKind) -> None:
    path = put(home, name)
    (copy,) = every_copy(home)
    assert (copy.kind, os.path.realpath(copy.path)) == (kind, os.path.realpath(path))


@pytest.mark.parametrize(
    "name",
    [
        "state.db-wal",
        "state.db.bak-wal",
        "state.db.repair.lock",
        "state.db.repair-attempts.json",
        "state.db.bak.gz",
        "hermes-repair/backups/damaged-1-abc-salvage/state.db",
        "../hermes2/state.db",
        "../other.bak/state.db",
        "state-snapshots/20260901-101010/config.yaml",
    ],
)
def test_what_is_no_copy(home: Home, name: str) -> None:
    put(home, name)
    assert list(every_copy(home)) == []


def test_a_second_name_of_the_database_is_no_copy(home: Home) -> None:
    (home.root / "state.db.bak").symlink_to("state.db")
    os.link(home.root / "state.db", home.root / "state.db.old")
    assert list(every_copy(home)) == []


def test_a_fifo_and_a_dead_link_are_no_copies(home: Home) -> None:
    os.mkfifo(home.root / "state.db.bak")
    (home.root / "state.db.old").symlink_to("nowhere")
    assert list(every_copy(home)) == []


def test_a_capture_is_named_by_its_folder(home: Home) -> None:
    wal = put(home, "state.db.retired-wal-20260901-101010-77/state.db-wal")
    (copy,) = every_copy(home)
    assert copy.wal_alone and copy.path == wal and copy.named == wal.parent
    assert list(other_databases(home)) == []
    assert copy.below(home.root) == wal.parent.name
    assert copy.below(home.root / "elsewhere") == str(wal.parent)


def test_of_each_kind_the_newest_are_looked_at(home: Home) -> None:
    for number in range(MOST_COPIES + 3):
        os.utime(put(home, f"state.db.bak{number}"), (number, number))
        put(home, f"state-snapshots/2026-{number:02d}/state.db")
    looked_at = list(other_databases(home))
    assert len(looked_at) == 2 * MOST_COPIES
    assert len(list(every_copy(home))) == 2 * (MOST_COPIES + 3)
    beside = [copy.path.name for copy in looked_at if copy.kind is CopyKind.COPY]
    assert beside[0] == f"state.db.bak{MOST_COPIES + 2}" and "state.db.bak0" not in beside


def test_another_home_is_named_where_it_may_lie(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "state.db").write_bytes(b"x")
    (copy,) = every_copy(home, (other, home.root, tmp_path / "nowhere"))
    assert copy == DatabaseCopy(CopyKind.HOME, other / "state.db") and copy.named == other


def test_a_capture_is_of_the_profile_in_whose_home_it_lies(home: Home) -> None:
    path = put(home, "profiles/work/state.db.retired-wal-20260901-101010-77/state.db")
    assert profile_of(path) == "work"


def test_snapshots_without_the_database(home: Home) -> None:
    def snapshot(name: str, files: object) -> None:
        put(home, f"state-snapshots/{name}/manifest.json", json.dumps(files).encode())

    snapshot("1", {"files": {"config.yaml": 12}})
    snapshot("2", {"files": {"state.db": 12}})  # deleted since
    snapshot("3", {"files": {"config.yaml": 12, "state.db": 12}})
    put(home, "state-snapshots/3/state.db")
    snapshot("4", ["files"])
    put(home, "state-snapshots/5/manifest.json", b"{torn")
    assert [folder.name for folder in incomplete_snapshots(home)] == ["1"]
