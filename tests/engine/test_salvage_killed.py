"""``salvage --install``, killed or on a full disk at any step: the next command settles it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.command import run
from tests.engine.kills import killed
from tests.homes.damage import crashed
from tests.homes.home import query
from tests.homes.small import ONLY, chat_only_in_file, small_home

ROWS = "SELECT id, session_id, role, content FROM messages ORDER BY id"
MOST = 2000
STRIDE = {"damaged": 3, "a_store": 3, "nothing": 11}
"""The long form tries one step in so many: some 320, 320 and 1,160 there are."""


def lies(home: Path, name: str) -> dict[str, bytes]:
    """Return the database and what lies beside it under names of SQLite's."""
    return {path.name: path.read_bytes() for path in home.glob(f"{name}*")}


def damaged(home: Path) -> tuple[str, ...]:
    """A -wal beside a file whose first pages are gone."""
    crashed(small_home(home))
    data = (home / "state.db").read_bytes()
    (home / "state.db").write_bytes(bytes(4096) + data[4096 : 8 * 4096])
    return ()


def a_store(home: Path) -> tuple[str, ...]:
    small_home(home)
    data = (home / "state.db").read_bytes()
    (home / "old.db").write_bytes(bytes(4096) + data[4096:])
    return ("--store", "old.db")


def nothing(home: Path) -> tuple[str, ...]:
    chat_only_in_file(small_home(home))
    (home / "state.db").unlink()
    return ()


HOMES = (damaged, a_store, nothing)
Make = Callable[[Path], tuple[str, ...]]


def assert_settles(home: Path, make: Make, words: tuple[str, ...], old: dict[str, bytes]) -> None:
    """The next command finds one of the two whole and nothing half made, and undo the old one."""
    name = words[1] if words else "state.db"
    there = lies(home, name)
    if name in there and there[name] != old.get(name):
        sides = {one for one in old if one != name}
        assert not sides & there.keys(), "a new file beside old side files"
    again = run("salvage", *words, "--install", "--yes", home=home)
    is_done = "is sound" in again.err or "only has no conversation" in again.err
    assert again.code in (0, 4) and (is_done or "Traceback" not in again.err), again
    assert run("repair", "--yes", home=home).code in (0, 1, 4)
    if make is nothing:
        assert run("backfill", "--all", "--yes", home=home).code in (0, 4)
        assert query(home, "SELECT COUNT(*) FROM messages WHERE session_id = ?", ONLY) == [(4,)]
    elif make is damaged:
        assert len(query(home, ROWS)) >= 2
    hidden = [path for path in home.rglob("*") if path.name.startswith(".")]
    halves = [*home.rglob("*.part*"), *home.rglob("salvaged-*")]
    assert not hidden and not halves
    assert "RP001" not in run("doctor", home=home).out
    while run("undo", "--yes", home=home).code == 0:
        pass
    assert lies(home, name) == old


def steps(make: Make) -> list[int]:
    return sorted(Random(make.__name__).sample(range(1, 60), 2))


@pytest.mark.parametrize(
    ("make", "every"),
    [
        *(pytest.param(make, False, id=make.__name__) for make in HOMES),
        *(
            pytest.param(make, True, id=f"{make.__name__}-every", marks=pytest.mark.long)
            for make in HOMES
        ),
    ],
)
def test_a_killed_salvage_is_settled(make: Make, every: bool, tmp_path: Path) -> None:
    source, home = tmp_path / "source" / "home", tmp_path / "run" / "home"
    source.parent.mkdir()
    home.parent.mkdir()
    words = make(source)
    name = words[1] if words else "state.db"
    old = lies(source, name)
    command = ["salvage", *words, "--install", "--yes"]
    number, ended = 0, -signal.SIGKILL
    for number in range(1, MOST, STRIDE[make.__name__]) if every else steps(make):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(source, home, symlinks=True)
        ended = killed(number, home, command)[0].code
        if ended != -signal.SIGKILL:
            break
        try:
            assert_settles(home, make, words, old)
        except BaseException as error:
            error.add_note(f"killed before step {number}")
            raise
    assert every == (ended != -signal.SIGKILL) and (not every or number > 40)


@pytest.mark.parametrize(
    "every", [pytest.param(61_440), pytest.param(4096, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("make", HOMES, ids=lambda one: one.__name__)
def test_a_salvage_on_a_full_disk(make: Make, every: int, tmp_path: Path) -> None:
    """No file can grow beyond so many bytes, in our process and in that which reads the damage."""
    source, home = tmp_path / "source", tmp_path / "home"
    words = make(source)
    name = words[1] if words else "state.db"
    old = lies(source, name)
    code, largest = 4, 0
    for largest in range(every, 1 << 20, every):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(source, home, symlinks=True)
        done = run("salvage", *words, "--install", "--yes", home=home, largest=largest)
        code = done.code
        assert "Traceback" not in done.err, done
        if "new database" in done.out or "in place" in done.out:
            break
        assert code == 4, done
        try:
            assert_settles(home, make, words, old)
        except BaseException as error:
            error.add_note(f"no file beyond {largest} bytes: {done}")
            raise
    assert largest < 1 << 20
