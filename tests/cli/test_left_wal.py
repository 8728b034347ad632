"""A -wal that was taken in only by half: whose it is, and that no answer about it does harm."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hermes_repair import host
from hermes_repair.app.environment import Environment
from hermes_repair.host import Openers, RawFacts, openers
from sample_data.build import build
from tests.cli.speaking import say
from tests.command import run
from tests.homes.content import content, files, rows
from tests.homes.damage import ONE_MORE
from tests.homes.damage import add_message as add
from tests.homes.home import opened
from tests.homes.small import HEALTHY, NOW, small_home
from tests.in_process import fixed_environment, look, repair, undo

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def half_done(tmp_path: Path) -> Path:
    """Leave the sample as a repair does that met a full disk while the -wal was taken in."""
    before = build("damaged", tmp_path / "before", NOW)
    home = tmp_path / "home"
    for kilobytes in dict.fromkeys((*_that_did, *range(40, 160, 4))):
        shutil.copytree(before, home)
        done = run("repair", "--yes", home=home, largest=kilobytes << 10)
        if done.code == 4 and "state.db-wal" in done.out and not alone(home):
            _that_did[:] = [kilobytes]
            return home
        shutil.rmtree(home)
    raise AssertionError("no size leaves it half taken in")


_that_did = [124]  # the size that did when this was written, then the one of the last test


def alone(home: Path) -> bool:
    """Whether the main file is sound without its -wal."""
    with closing(sqlite3.connect(f"file:{home / 'state.db'}?immutable=1", uri=True)) as db:
        try:
            return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        except sqlite3.DatabaseError:
            return False


def findings(capsys: Capture, home: Path) -> list[str]:
    document = say(capsys, "doctor", "--home", home, "--json").document
    return [finding["id"] for finding in document["findings"]]


def test_what_a_full_disk_left_is_explained_and_finished(half_done: Path, capsys: Capture) -> None:
    before = files(half_done)
    told = say(capsys, "doctor", "--home", half_done)
    assert told.code == 1 and not re.search("DB00[1-7]|Do not start", told.out)
    assert "The -wal beside state.db is what 0001-" in told.out
    assert files(half_done) == before
    before = files(half_done, but="hermes-repair")  # still full: nothing is tried
    assert run("repair", "--yes", home=half_done, largest=64 << 10).code == 4
    assert files(half_done, but="hermes-repair") == before
    done = say(capsys, "repair", "--yes", "--home", half_done)
    assert done.code == 0, done
    assert "had left beside state.db was merged" in done.out
    assert not (half_done / "state.db-wal").exists()
    assert "beside state.db" not in say(capsys, "doctor", "--home", half_done).out
    content(half_done)  # sound
    while say(capsys, "undo", "--yes", "--home", half_done).code == 0:
        pass
    assert rows(half_done / "state.db") == rows(half_done.parent / "before" / "state.db")


@pytest.mark.parametrize("words", [("undo",), ("migrate", "--to", "14"), ("backup",)])
def test_every_command_goes_on_from_there(
    words: tuple[str, ...], half_done: Path, capsys: Capture
) -> None:
    yes = () if words == ("backup",) else ("--yes",)
    said = say(capsys, *words, *yes, "--home", half_done)
    assert said.code == 0, said
    content(half_done)
    if words == ("undo",):
        assert rows(half_done / "state.db") == rows(half_done.parent / "before" / "state.db")


@pytest.mark.parametrize("choice", ["use", "ignore"])
def test_no_answer_is_asked_for_and_none_does_harm(
    choice: str, half_done: Path, capsys: Capture
) -> None:
    done = say(capsys, "repair", "--wal", choice, "--yes", "--home", half_done)
    assert done.code == 0, done
    assert not list((half_done / "hermes-repair" / "receipts").glob("*-repair-wal-*"))
    content(half_done)


TAKE_IN = """
import os, resource, signal, sqlite3, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
db = sqlite3.connect(sys.argv[1])
try:
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
except sqlite3.Error:
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def half_taken_in(home: Path, size: int) -> tuple[bool, bool]:
    """Let another program take in a -wal on a disk that is full; return what two checks say."""
    with opened(home) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("UPDATE sessions SET started_at = started_at + 0.5")  # it is in an index as well
        kept = {side: (home / f"state.db{side}").read_bytes() for side in ("", "-wal")}
    for side, data in kept.items():
        (home / f"state.db{side}").write_bytes(data)
    done = subprocess.run([sys.executable, "-c", TAKE_IN, home / "state.db", str(size)])
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(f"file:{home / 'state.db'}?immutable=1", uri=True)) as db:
        said = []
        for pragma in ("quick_check", "integrity_check"):
            try:
                said.append(db.execute(f"PRAGMA {pragma}").fetchall() == [("ok",)])
            except sqlite3.DatabaseError:
                said.append(False)
    return said[0], said[1]


def started(home: Path, later: float = 0.0) -> list[tuple[float]]:
    with opened(home) as db:
        sql = "SELECT started_at - ? FROM sessions ORDER BY id"
        return db.execute(sql, (later,)).fetchall()


def test_a_wal_that_another_program_took_in_by_half(home: Path, capsys: Capture) -> None:
    """Neither answer is offered where one of them would damage the database."""
    before = started(home)
    size = (home / "state.db").stat().st_size
    copy = home.parent / "copy"
    unseen = 0
    for limit in range(8192, size, 4096):
        shutil.copytree(home, copy)
        quick, whole = half_taken_in(copy, limit)
        if quick and not whole:
            unseen += 1
            assert not {"DB002", "DB003"} & set(findings(capsys, copy)), limit
            assert say(capsys, "repair", "--wal", "ignore", "--yes", "--home", copy).code == 0
            assert started(copy, 0.5) == before
            content(copy)
        shutil.rmtree(copy)
        if unseen == 2:
            break
    assert unseen, "quick_check saw all of them"


def test_an_answer_that_damages_is_not_taken(home: Path, capsys: Capture) -> None:
    with opened(home) as db:
        db.execute("PRAGMA wal_autocheckpoint=0")
        old = (home / "state.db").read_bytes()
        for number in range(300):
            db.execute(ONE_MORE, (HEALTHY, f"{number} " * 200, NOW))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        add(db, "later")
        wal = (home / "state.db-wal").read_bytes()
    (home / "state.db").write_bytes(old)
    (home / "state.db-wal").write_bytes(wal)
    before = files(home, but="hermes-repair")
    told = say(capsys, "doctor", "--home", home)
    assert "--wal ignore" in told.out and "--wal use" not in told.out
    said = say(capsys, "repair", "--wal", "use", "--yes", "--home", home)
    assert said.code == 4, said
    assert files(home, but="hermes-repair") == before
    assert say(capsys, "repair", "--wal", "ignore", "--yes", "--home", home).code == 0
    content(home)


@pytest.mark.parametrize(("act", "most"), [(look, 2), (repair, 8), (undo, 3)])
def test_openers_are_asked_for_once_a_moment(
    act: Callable[[Path, Environment], object],
    most: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each question starts a process. Where nothing lies beside a database, none is left behind."""
    home, environment = small_home(tmp_path / "home"), fixed_environment(tmp_path)
    if act is undo:
        repair(home, environment)
    asked: list[Path] = []
    survey = openers.survey

    def counted(database: Path) -> tuple[RawFacts, Openers]:
        asked.append(database)
        return survey(database)

    monkeypatch.setattr(openers, "survey", counted)
    monkeypatch.setattr(host, "survey", counted)
    act(home, environment)
    assert len(asked) == most
