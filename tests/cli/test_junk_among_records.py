"""What lies among our own records and is none of ours: named, left out, and not touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.speaking import say
from tests.homes.content import files
from tests.homes.home import opened

Capture = pytest.CaptureFixture[str]
NAME = "0009-20260101T000000Z-repair.db"


def torn(path: Path, home: Path) -> None:
    whole = next((home / "hermes-repair" / "receipts").glob("0001-*.db")).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def overwritten(path: Path, home: Path) -> None:
    """Write over all pages but the first, so that only reading its rows shows it."""
    whole = next((home / "hermes-repair" / "receipts").glob("0001-*.db")).read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))


def odd_values(path: Path, home: Path) -> None:
    shutil.copy(next((home / "hermes-repair" / "receipts").glob("0001-*.db")), path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE header SET value = 'yesterday' WHERE name = 'created'")
        db.commit()


def using_a_wal(path: Path, home: Path) -> None:
    shutil.copy(next((home / "hermes-repair" / "receipts").glob("0001-*.db")), path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")


JUNK: dict[str, Callable[[Path, Path], object]] = {
    "empty": lambda path, _home: path.write_bytes(b""),
    "text": lambda path, _home: path.write_text("not a database"),
    "torn": torn,
    "overwritten": overwritten,
    "odd values": odd_values,
    "using a -wal": using_a_wal,
    "a folder": lambda path, _home: path.mkdir(),
    "a FIFO": lambda path, _home: os.mkfifo(path),
    "a broken link": lambda path, _home: path.symlink_to("/nonexistent"),
    "a link to itself": lambda path, _home: path.symlink_to(path),
    "a link to state.db": lambda path, home: path.symlink_to(home / "state.db"),
    "state.db itself": lambda path, home: os.link(home / "state.db", path),
    "a device": lambda path, _home: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("what", JUNK)
def test_junk_among_the_receipts(what: str, home: Path, capsys: Capture) -> None:
    with opened(home) as db:
        db.execute("PRAGMA journal_mode=WAL")
    assert say(capsys, "repair", "--yes", "--select", "LN", "--home", home).code == 0
    path = home / "hermes-repair" / "receipts" / NAME
    JUNK[what](path, home)
    before = files(home)

    found = say(capsys, "doctor", "--home", home, "--json").document["findings"]
    (named,) = [finding for finding in found if finding["id"] == "RP002"]
    assert named["subject"]["receipt"] == path.stem
    receipt_history = say(capsys, "history", "--home", home, "--json").document
    assert [one["id"] for one in receipt_history["left_out"]] == [path.stem]
    assert len(receipt_history["history"]) == 1
    dry = say(capsys, "repair", "--dry-run", "--home", home)
    assert dry.code == 0
    assert files(home) == before, "looking left a trace"

    assert say(capsys, "repair", "--yes", "--home", home).code == 0
    taken = say(capsys, "undo", "--yes", "--home", home, "--json")
    assert taken.code == 0 and [one["id"] for one in taken.document["left_out"]] == [path.stem]
    assert say(capsys, "undo", "--yes", "--home", home).code == 0
    refused = say(capsys, "undo", "9", "--yes", "--home", home)
    assert refused.code == 4 and NAME in refused.err
    assert not list(path.parent.glob(f"{NAME}-*")), "side files of what is not ours"


BROKEN: dict[str, Callable[[Path], object]] = {
    "torn": lambda path: path.write_text('{"LN001-'),
    "no list": lambda path: path.write_text("[1, 2]"),
    "not UTF-8": lambda path: path.write_bytes(b'{"a": "\xff"}'),
    "deeply nested": lambda path: path.write_text("[" * 100_000),
    "a long number": lambda path: path.write_text('{"a": ' + "9" * 5000 + "}"),
    "a FIFO": lambda path: os.mkfifo(path),
    "a folder": lambda path: path.mkdir(),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_list_of_accepted_findings(what: str, home: Path, capsys: Capture) -> None:
    (home / "hermes-repair").mkdir()
    path = home / "hermes-repair" / "acknowledged.json"
    BROKEN[what](path)
    before = files(home)
    found = say(capsys, "doctor", "--home", home, "--json").document["findings"]
    (named,) = [finding for finding in found if finding["id"] == "RP002"]
    assert named["subject"]["path"] == "hermes-repair/acknowledged.json"
    assert say(capsys, "history", "--home", home).code == 0
    assert files(home) == before, "looking left a trace"
    done = say(capsys, "repair", "--yes", "--home", home)
    assert done.code == 0 and "4 steps" in done.out
    assert say(capsys, "undo", "--yes", "--home", home).code == 0
    accept = found[0]["fingerprint"]
    said = say(capsys, "ack", accept, "--reason", "known", "--home", home)
    assert said.code == 4 and "acknowledged.json" in said.err, "decisions must not be forgotten"


def test_a_backup_of_an_unreadable_receipt_is_not_pruned(home: Path, capsys: Capture) -> None:
    """Nothing says that its run is finished."""
    receipts = home / "hermes-repair" / "receipts"
    backups = home / "hermes-repair" / "backups"
    receipts.mkdir(parents=True)
    for number in range(1, 6):
        name = f"000{number}-20250101T000000Z-migrate"
        (backups / name).mkdir(parents=True)
        (backups / name / "state.db").write_bytes(b"")
        os.utime(backups / name, (number, number))
    (receipts / "0001-20250101T000000Z-migrate.db").write_bytes(b"junk")
    assert say(capsys, "backup", "prune", "--home", home).code == 0
    left = sorted(place.name[:4] for place in backups.iterdir())
    assert left == ["0001", "0003", "0004", "0005"]
