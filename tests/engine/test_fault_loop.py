"""The fault loop: real commands that are killed, stopped, limited or run out of disk at any moment.

What happens between two steps is tried step by step in test_crash.py; here a real process is hit
wherever it is. After each fault: an exit code that is documented and never 3, a doctor that leaves
no trace and does not call the file damaged, whole units only, and both ways lead out: the command
again gives the state after it, undo the state before.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from hermes_repair.cli.guard import run
from hermes_repair.host import byte_reader
from tests.engine.faults import bytes_in_process
from tests.engine.loop import Ended, Running, fill, limited, make_room, small_disk
from tests.engine.test_crash import (
    COMMANDS,
    assert_given_back,
    course,
    finish,
    fresh,
    take_back,
)
from tests.forked import import_everything
from tests.homes.content import content, files, without_sequence
from tests.homes.home import opened
from tests.in_process import fixed_environment, ids, look
from tests.unit.host_helpers import NOBODY, python_for_nobody, worker_for_nobody

RUNS = 200  # of the long form, for each kind of fault
NAMES = tuple(COMMANDS)
STOPPED = {signal.SIGTERM: (130, -15, 143), signal.SIGHUP: (130, -1, 129), signal.SIGINT: (130,)}
Fault = Callable[[str, Path, Path, Random], Ended]


def start(name: str, home: Path, place: Path, before: Callable[[], None] = lambda: None) -> Running:
    return Running([*COMMANDS[name], "--home", str(home)], place, before)


def lasts(name: str, place: Path) -> float:
    """Return how many seconds a command takes here, undisturbed."""
    home = fresh(name, place / "measured")
    ended = start(name, home, place).wait()
    assert ended.code == 0, ended.said
    shutil.rmtree(home)
    return ended.seconds


def hit(number: int) -> Fault:
    """Return what sends a signal at any moment."""

    def fault(name: str, home: Path, place: Path, random: Random) -> Ended:
        running = start(name, home, place)
        signal_at(running, number, random.uniform(0.1, 1.0) * _LASTS[name])
        ended = running.wait()
        allowed = (-9,) if number == signal.SIGKILL else STOPPED[signal.Signals(number)]
        assert ended.code in (0, *allowed), ended
        return ended

    return fault


def signal_at(running: Running, number: int, seconds: float) -> None:
    signal.sigtimedwait([signal.SIGUSR2], seconds)  # sleeps, and hears of nothing
    running.signal(number)


def little_to_write(name: str, home: Path, place: Path, random: Random) -> Ended:
    """Let no file become longer than some kilobytes: what ``ulimit -f`` does."""
    most = random.choice((4, 16, 32, 64, 100, 140, 200, 280, 400)) << 10
    ended = start(name, home, place, limited(resource.RLIMIT_FSIZE, most)).wait()
    assert ended.code in (0, 4), ended
    return ended


def few_files(name: str, home: Path, place: Path, random: Random) -> Ended:
    """Let it open few files at once."""
    taken = len(list(Path("/proc/self/fd").iterdir()))
    ended = start(
        name, home, place, limited(resource.RLIMIT_NOFILE, taken + random.randrange(1, 14))
    ).wait()
    assert ended.code in (0, 4), ended
    return ended


def full_disk(name: str, home: Path, place: Path, random: Random) -> Ended:
    """Let another process fill the small disk, on which ``home`` lies, in the middle of a run."""
    disk = home.parent
    temporary = disk / "tmp" if random.random() < 0.5 else place
    temporary.mkdir(exist_ok=True)
    filler = fill(disk, random.uniform(0.1, 0.9) * _LASTS[name])
    running = start(name, home, temporary)
    try:
        ended = running.wait()
    finally:
        make_room(disk, filler)
    assert ended.code in (0, 4), ended
    return ended


def three_at_once(name: str, home: Path, place: Path, _random: Random) -> Ended:
    """Start the command three times."""
    ended = [running.wait() for running in [start(name, home, place) for _ in range(3)]]
    assert {one.code for one in ended} <= {0, 4}, ended
    return max(ended, key=lambda one: one.code == 0)


FAULTS: dict[str, Fault] = {
    "kill -9": hit(signal.SIGKILL),
    "SIGTERM": hit(signal.SIGTERM),
    "SIGHUP": hit(signal.SIGHUP),
    "SIGINT": hit(signal.SIGINT),
    "ulimit -f": little_to_write,
    "ulimit -n": few_files,
    "a full disk": full_disk,
    "three at once": three_at_once,
}
_LASTS: dict[str, float] = {}


def loop(what: str, runs: int, place: Path, seed: int) -> int:
    """Let one kind of fault happen to commands in turn; see that each home is whole after it.

    Returns how many of them it kept from being done.
    """
    random = Random(seed)
    struck = 0
    with small_disk(place) as disk:
        if what == "a full disk" and disk is None:
            pytest.skip("no disk may be mounted here; `ulimit -f` stands for it")
        for run in range(runs):
            name = NAMES[run % len(NAMES)]
            if name not in _LASTS:
                _LASTS[name] = lasts(name, place)
            home = fresh(name, (disk if what == "a full disk" and disk else place) / "home")
            wal = random.random() < 0.5
            with opened(home) as db:
                db.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
            ended = None
            try:
                ended = FAULTS[what](name, home, place, random)
                assert "Traceback" not in ended.said
                assert_whole(name, home, ended, back=random.random() < 0.5)
            except BaseException as error:
                error.add_note(f"{what}, run {run} of seed {seed}: {name}, WAL {wal}: {ended}")
                kept = Path(tempfile.mkdtemp(prefix="fault-")) / "home"
                shutil.copytree(home, kept, symlinks=True)
                error.add_note(f"what lay there is in {kept}")
                raise
            struck += ended.code != 0
            shutil.rmtree(home)
    return struck


def assert_whole(name: str, home: Path, ended: Ended, *, back: bool) -> None:
    """See that what a fault left is whole, and that one way leads out of it."""
    environment, known = fixed_environment(home.parent), course(name)
    with pytest.MonkeyPatch.context() as patch:
        bytes_in_process(patch)
        before = files(home)
        found = ids(look(home, environment))
        assert files(home) == before, "doctor changed something"
        assert not {"DB001", "DB002", "DB003"} & set(found), found
        now = without_sequence(content(home))
        assert now in known.states, "half a unit"
        if ended.code < 0 and now not in (known.states[0], known.states[-1]):
            assert "RP001" in found, "doctor does not tell of the run that was cut off"
        if ended.code == 0:
            assert now == known.states[-1], "it said that all was done"
        if not back:
            assert without_sequence(finish(name, home, environment)) == known.states[-1]
        take_back(home, environment)
        assert_given_back(home, known)
        assert "RP001" not in ids(look(home, environment))


@pytest.mark.parametrize("what", FAULTS)
def test_faults(what: str, place: Path) -> None:
    loop(what, 4, place, seed=10)


@pytest.mark.long
@pytest.mark.parametrize("what", FAULTS)
def test_many_faults(what: str, place: Path) -> None:
    struck = loop(what, RUNS, place, seed=2026)
    assert struck > RUNS / 20 or what == "three at once", "it hardly ever happened to anything"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.parametrize("first", ["root", "the owner"])
def test_two_users(first: str, open_folder: Path) -> None:
    """Root repairs the home of another: its owner can read and undo all of that, and back."""
    home, temporary = fresh("repair", open_folder / "home"), open_folder / "tmp"
    # What is imported late is there before the rights go: the checkout may be closed to that user.
    import_everything()
    assert run(["history", "--home", str(home)]) == 0
    for path in (home, *home.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    temporary.mkdir()
    temporary.chmod(0o1777)

    python, worker = python_for_nobody(), worker_for_nobody()

    def be_the_owner() -> None:
        sys.executable, byte_reader.WORKER = python, worker
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    def be(who: str) -> Callable[[], None]:
        return be_the_owner if who == "the owner" else lambda: None

    other = "root" if first == "the owner" else "the owner"
    done = Running(["repair", "--yes", "--home", str(home)], temporary, be(first)).wait()
    assert done.code == 0, done.said
    for path in (home / "hermes-repair", *(home / "hermes-repair").rglob("*")):
        facts = path.lstat()
        assert (facts.st_uid, facts.st_gid) == (NOBODY, NOBODY), path
        assert stat.S_IMODE(facts.st_mode) == (0o700 if path.is_dir() else 0o600), path
    undone = Running(["undo", "--yes", "--home", str(home)], temporary, be(other)).wait()
    assert undone.code == 0, undone.said
    assert_given_back(home, course("repair"))
    assert (home / "state.db").stat().st_uid == NOBODY
