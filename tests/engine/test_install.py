"""A finished database is put in the place of a damaged one, and the damaged one comes back.

Killed before every step, on a full or broken disk, interrupted, beside others, and by a release
that starts in the middle: what lies there is all that was, or the new database.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import product
from pathlib import Path

import pytest

from hermes_repair.app import file_exchange, preflight
from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.history import history
from hermes_repair.app.install_salvaged import Installed, install, settle_all
from hermes_repair.host import byte_reader
from hermes_repair.model.choices import Selection
from hermes_repair.model.errors import (
    AnotherRun,
    Changed,
    HermesRepairError,
    InUse,
    Refused,
)
from tests.byte_server import ask_anew
from tests.engine.faults import (
    Shim,
    bytes_in_process,
    disk_error,
    fail_at,
    full_disk,
    interrupt,
    kill_at,
    shimmed,
)
from tests.engine.kills import bytes_of, judge, pictures
from tests.engine.neighbours import READER, neighbour
from tests.homes.content import content, files
from tests.homes.damage import ONE_MORE, crashed, hot_journal, leave_wal
from tests.homes.home import changing, new_home, query, receipts
from tests.homes.small import HEALTHY, NOW, add_session, small_home
from tests.in_process import fixed_environment, home_of, ids, look, repair, undo

SIDES = ("", "-wal", "-shm", "-journal")


def break_first_page(home: Path) -> None:
    """Zero the first page: no SQLite opens the file any more."""
    with (home / "state.db").resolve().open("r+b") as file:
        file.write(bytes(4096))


def with_wal(home: Path) -> None:
    small_home(home, 14)
    crashed(home)
    (home / "state.db-shm").write_bytes(bytes(32768))
    break_first_page(home)
    for path in home.glob("state.db*"):
        path.chmod(0o640)


def with_journal(home: Path) -> None:
    small_home(home, 14)
    hot_journal(home)
    break_first_page(home)


def alone(home: Path) -> None:
    small_home(home, 14)
    break_first_page(home)


def empty_beside_wal(home: Path) -> None:
    small_home(home, 14)
    crashed(home)
    (home / "state.db").write_bytes(b"")


def nothing(home: Path) -> None:
    small_home(home, 14)
    (home / "state.db").unlink()


HOMES: dict[str, Callable[[Path], None]] = {
    found.__name__: found for found in (with_wal, with_journal, alone, empty_beside_wal, nothing)
}


def new_database(place: Path) -> Path:
    """Return a finished database; stands in for what a salvage has made."""
    target = place / "new.db"
    if not target.exists():
        with new_home(place / "source", 14) as db:
            add_session(db, HEALTHY, [("user", "hello", 1.0), ("assistant", "good day", 1.1)])
        (place / "source" / "state.db").rename(target)
        shutil.rmtree(place / "source")
    return target


def lies(home: Path) -> dict[str, bytes]:
    """Return the database files of a home."""
    found = ((side, (home / f"state.db{side}").resolve()) for side in SIDES)
    return {side: path.read_bytes() for side, path in found if path.exists()}


def kept(home: Path) -> dict[str, bytes]:
    """Return the database files that are kept of the one that was replaced."""
    folders = list((home / "hermes-repair" / "backups").glob("damaged-*"))
    assert len(folders) <= 1
    return {
        path.name.removeprefix("state.db"): path.read_bytes()
        for folder in folders
        for path in folder.iterdir()
    }


def put(home: Path, environment: Environment, new: Path, **more: object) -> Installed:
    return install(Run(home_of(home), environment), new, **more)  # type: ignore[arg-type]


def settle(home: Path, environment: Environment) -> None:
    """Do what the next command does first, whatever it says of the database then."""
    with suppress(HermesRepairError):
        repair(home, environment, selection=Selection(select=("RP001",)))
    if not (home / "state.db").exists():  # only another salvage works on such a home
        settle_all(Run(home_of(home), environment))


@pytest.mark.parametrize("name", HOMES)
def test_there_and_back(name: str, place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    HOMES[name](home)
    before, mode = lies(home), files(home)
    new = new_database(place).read_bytes()
    done = put(home, environment, new_database(place), beside={"ledger.json": __file_of(place)})
    assert lies(home) == {"": new}
    assert kept(home) == {**before, "ledger.json": b"{}"}
    assert done.late == ()
    assert not (place / "new.db").exists()
    if "" in before:
        assert (home / "state.db").stat().st_mode == mode["state.db"][1]
        assert (home / "state.db").stat().st_uid == mode["state.db"][2]
    assert [entry.state for entry in history(home_of(home))] == ["done"]
    assert "RP001" not in ids(look(home, environment))
    assert undo(home, environment).units == 1
    assert lies(home) == before
    assert {k: v[:3] for k, v in files(home, but="hermes-repair").items() if k != "."} == {
        k: v[:3] for k, v in mode.items() if k != "."
    }
    assert [entry.state for entry in history(home_of(home))] == ["undone"]


def __file_of(place: Path) -> Path:
    ledger = place / "ledger.json"
    ledger.write_text("{}")
    return ledger


# --- Killed ---------------------------------------------------------------------------------------


def assert_whole(home: Path, old: dict[str, bytes], new: bytes) -> None:
    """See that the old files or the new one are whole, and that the next command settles it."""
    environment = fixed_environment(home.parent)
    now = lies(home)
    if now.get("") == new:
        assert now == {"": new}, "an old side file lies beside the new database"
        assert {**kept(home), "ledger.json": b""} == {**old, "ledger.json": b""}
    elif now != old:
        assert now.get("") == old.get("") and kept(home).items() >= old.items()
    settle(home, environment)
    assert lies(home) in (old, {"": new})
    assert not any(home.glob(".state.db*")), "something was left behind"
    if "" in lies(home):
        assert "RP001" not in ids(look(home, environment))
    if lies(home) == {"": new}:
        undo(home, environment)
    assert lies(home) == old


SOME = [
    pytest.param(name, marks=() if name in ("with_wal", "empty_beside_wal") else pytest.mark.long)
    for name in HOMES
]


@pytest.mark.parametrize("name", SOME)
def test_killed_before_every_step(name: str, place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    HOMES[name](home)
    old, new = lies(home), new_database(place).read_bytes()
    taken, _ = pictures(home, lambda: put(home, environment, new_database(place)), place)
    assert len(taken) >= 6
    judge(taken, lambda shot: assert_whole(shot, old, new))


@pytest.mark.parametrize("name", SOME)
def test_undo_killed_before_every_step(name: str, place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    HOMES[name](home)
    old, new = lies(home), new_database(place).read_bytes()
    put(home, environment, new_database(place))
    taken, _ = pictures(home, lambda: undo(home, environment), place)
    assert len(taken) >= 4
    judge(taken, lambda shot: assert_whole(shot, old, new))


@pytest.mark.parametrize("what", ["install", "undo"])
def test_started_in_between(what: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill in the moment without side files, and then somebody writes: nothing is thrown away."""
    home, environment = place / "home", fixed_environment(place)
    small_home(home, 14)
    crashed(home)
    old = lies(home)
    if what == "undo":
        put(home, environment, new_database(place))

    def cut_off(path: object, *_: object) -> None:
        if what == "undo" or path == home:
            raise SystemExit

    with monkeypatch.context() as patch:
        if what == "install":
            patch.setattr(file_exchange, "sync", cut_off)
        else:
            patch.setattr("hermes_repair.app.install_salvaged.give_sides_back", cut_off)
        patch.setattr("hermes_repair.app.install_salvaged.settle_all", lambda _run: [])
        with pytest.raises(SystemExit):
            if what == "install":
                put(home, environment, new_database(place))
            else:
                undo(home, environment)
    assert lies(home) == {"": old[""]}
    add = (ONE_MORE, (HEALTHY, "written in between", NOW))
    leave_wal(home, add)
    settle(home, environment)
    assert kept(home) == old
    assert query(home, "SELECT COUNT(*) FROM messages WHERE content LIKE 'written%'") == [(1,)]


def kill_one(number: int, home: Path, new: Path) -> int:
    """Install in a fork that is killed before a step; return how it ended."""
    pid = os.fork()
    if not pid:
        code = 99
        try:
            byte_reader._ask = ask_anew
            with shimmed(Shim(home, kill_at(number)), in_process=False):
                put(home, fixed_environment(home.parent), new)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("number", [12, pytest.param(0, marks=pytest.mark.long)])
def test_a_process_is_killed(number: int, place: Path) -> None:
    """A real kill -9; 0: before every step in turn. The locks go with the process."""
    home = place / "home"
    for step in (number,) if number else range(1, 200):
        shutil.rmtree(home, ignore_errors=True)
        with_wal(home)
        old, new = lies(home), new_database(place).read_bytes()
        code = kill_one(step, home, new_database(place))
        if not code:
            break
        assert code == -signal.SIGKILL
        assert_whole(home, old, new)
        (place / "new.db").write_bytes(new)
    assert number or step > 30


# --- A disk that gives out, ^C -------------------------------------------------------------------


KINDS = (disk_error, full_disk, interrupt)


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("what", ["install", "undo"])
def test_a_step_fails(what: str, every: int, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_in_process(monkeypatch)
    home, environment = place / "home", fixed_environment(place)
    source = place / "as-it-was"
    with_wal(source)
    old, new = lies(source), new_database(place).read_bytes()
    if what == "undo":
        put(source, environment, new_database(place))
    for number, kind in product(range(every, 400, every), KINDS if every == 1 else KINDS[:2]):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(source, home, symlinks=True)
        (place / "new.db").write_bytes(new)
        try:
            with shimmed(Shim(home, fail_at(number, kind))) as shim:
                if what == "install":
                    put(home, environment, place / "new.db")
                else:
                    undo(home, environment)
        except (HermesRepairError, OSError, sqlite3.Error, KeyboardInterrupt):
            installed = lies(home).get("") == new
            if what == "install":
                assert installed or (place / "new.db").read_bytes() == new
        bytes_in_process(monkeypatch)
        try:
            assert_whole(home, old, new)
        except BaseException as error:
            error.add_note(f"{kind.__name__} at step {number}: {shim.steps[number - 1 :][:1]}")
            raise
        if len(shim.steps) < number:
            break
    assert number > 80


def test_no_room(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = place / "home"
    with_wal(home)
    before = bytes_of(home)
    monkeypatch.setattr("hermes_repair.host.free_bytes", lambda _path: 1000)
    with pytest.raises(Refused, match="1,000 are free"):
        put(home, fixed_environment(place), new_database(place))
    assert bytes_of(home) == before
    assert (place / "new.db").exists()


# --- Others ---------------------------------------------------------------------------------------

LOCKS = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(descriptor, fcntl.LOCK_SH, 1, 0x40000002)
print("ready")
sys.stdin.read()
"""
IDLE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print("ready")
sys.stdin.read()
"""
DELETED = """
import os, sys
keep = os.open(sys.argv[1], os.O_RDWR)
os.rename(sys.argv[1], sys.argv[1] + ".moved")
os.link(sys.argv[1] + ".moved", sys.argv[1])
os.unlink(sys.argv[1])
os.rename(sys.argv[1] + ".moved", sys.argv[1] + "-wal")
os.unlink(sys.argv[1] + "-wal")
open(sys.argv[1], "wb").write(b"SQLite format 3\\0" + bytes(4080))
print("ready")
sys.stdin.read()
"""


@pytest.mark.parametrize("script", [LOCKS, IDLE, READER], ids=["locks", "idle", "reader"])
def test_not_while_somebody_has_it_open(script: str, place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    small_home(home, 14)
    if script is LOCKS:
        break_first_page(home)
    with neighbour(script, home / "state.db"):
        before = lies(home)
        with pytest.raises(InUse):
            put(home, environment, new_database(place))
        assert lies(home) == before
    assert (place / "new.db").exists()


def test_not_while_somebody_has_a_deleted_one_open(place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    alone(home)
    with neighbour(DELETED, home / "state.db"), pytest.raises(InUse, match="deleted"):
        put(home, environment, new_database(place))
    assert (place / "new.db").exists()


def test_locks_that_nobody_sees_are_respected(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of another container that no list has: only the kernel's lock speaks of it."""
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    before = lies(home)
    bytes_in_process(monkeypatch)  # looks see nobody
    with neighbour(LOCKS, home / "state.db"):
        monkeypatch.setattr("hermes_repair.host.byte_worker.lock_holder", lambda *_: None)
        with pytest.raises(InUse, match="locks it"):
            put(home, environment, new_database(place))
    assert lies(home) == before and not kept(home)
    assert not receipts(home)


def test_made_on_another_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    old, new = lies(home), new_database(place).read_bytes()

    def other_disk(_path: Path, _target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", other_disk)
    put(home, environment, new_database(place))
    assert lies(home) == {"": new} and (place / "new.db").read_bytes() == new
    undo(home, environment)
    assert lies(home) == old


def test_one_at_a_time(place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    records = home / "hermes-repair"
    records.mkdir(0o700)
    with (records / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AnotherRun):
            put(home, environment, new_database(place))
    put(home, environment, new_database(place))


def test_not_what_was_read(place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    with pytest.raises(Changed, match="changed after it was read"):
        put(home, environment, new_database(place), base="1:2:3;-;-")
    assert (place / "new.db").exists()


START = """
import sys
from pathlib import Path
from hermes_state import SessionDB
try:
    db = SessionDB(Path(sys.argv[1]) / "state.db") if len(sys.argv) > 1 else SessionDB()
    print("opened", flush=True)
except Exception as error:
    print("refused", error, flush=True)
"""


@pytest.mark.releases
def test_hermes_starts_in_the_middle(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that opens the old file just then reads nothing, and the new one afterwards."""
    from tests.releases import run_release

    home, environment = place / "home", fixed_environment(place)
    small_home(home, 14)
    crashed(home)
    said: list[str] = []
    real = preflight.set_wal_aside

    def start_hermes(at: object) -> None:
        said.append(run_release("0.19.0", START, home))
        assert not list(home.glob("state.db-*")) or lies(home)
        real(at)  # type: ignore[arg-type]

    monkeypatch.setattr(file_exchange, "set_wal_aside", start_hermes)
    old = lies(home)
    put(home, environment, new_database(place))
    assert "refused database is locked" in said[0]
    assert kept(home) == old
    assert "opened" in run_release("0.19.0", START, home)
    assert query(home, "SELECT COUNT(*) FROM messages") == [(2,)]
    assert content(home)


def test_a_link_stays_a_link(place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    disk = place / "disk"
    disk.mkdir()
    for side in SIDES:
        if (home / f"state.db{side}").exists():
            (home / f"state.db{side}").rename(disk / f"state.db{side}")
    (home / "state.db").symlink_to(disk / "state.db")
    old = {side: (disk / f"state.db{side}").read_bytes() for side in ("", "-wal", "-shm")}
    new = new_database(place).read_bytes()
    put(home, environment, new_database(place))
    assert (home / "state.db").is_symlink()
    assert lies(home) == {"": new} and [*disk.iterdir()] == [disk / "state.db"]
    undo(home, environment)
    assert {side: (disk / f"state.db{side}").read_bytes() for side in old} == old


NOBODY = 65534


def given_to_nobody(home: Path) -> None:
    for path in [home, *home.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_everything_stays_the_owners(place: Path) -> None:
    """Root does it for the owner: the new file, the kept ones and those that come back are his."""
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    given_to_nobody(home)
    for act in (
        lambda: put(home, environment, new_database(place)),
        lambda: undo(home, environment),
    ):
        act()
        assert {path.stat().st_uid for path in [home, *home.rglob("*")]} == {NOBODY}
        assert (home / "state.db").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_without_the_right_to_write(
    what: str, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bytes_in_process(monkeypatch)  # that user may not run this Python
    place, home = open_folder, open_folder / "home"
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with_wal(home)
    new_database(place)
    given_to_nobody(place)
    (home if what == "folder" else home / "state.db").chmod(0o555 if what == "folder" else 0o440)
    before = lies(home)
    pid = os.fork()
    if not pid:
        code = 99
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            put(home, fixed_environment(place), place / "new.db")
        except Refused:
            code = 4
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
    assert lies(home) == before and (place / "new.db").exists()
    assert not list(home.glob(".state.db*"))


# --- Undo -----------------------------------------------------------------------------------------


def test_undo_keeps_what_was_written_since(place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    put(home, environment, new_database(place))
    with changing(home) as db:
        db.execute("UPDATE sessions SET title = 'later' WHERE id = ?", (HEALTHY,))
    before = lies(home)
    with pytest.raises(Refused, match=r"written to since \(sessions\)"):
        undo(home, environment)
    assert lies(home) == before


def test_undo_after_a_repair_that_was_undone(place: Path) -> None:
    """Later runs come back first; what only they wrote is no reason to refuse."""
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    old = lies(home)
    with closing(sqlite3.connect(new_database(place))) as db:
        db.execute("UPDATE sessions SET message_count = 9")
        db.commit()
    put(home, environment, new_database(place))
    assert repair(home, environment, selection=Selection(select=("MS002",))).units == 1
    undo(home, environment, "1")
    assert lies(home) == old


def test_what_was_replaced_is_never_pruned(place: Path) -> None:
    home, environment = place / "home", fixed_environment(place)
    with_wal(home)
    put(home, environment, new_database(place))
    backups = home / "hermes-repair" / "backups"
    for n in range(6):
        (backups / f"damaged-{n}").mkdir()
    (ours,) = backups.glob("damaged-0001-*")
    for folder in backups.iterdir():
        os.utime(folder, (1, 1 if folder == ours else 2))
    from hermes_repair.app.backups import prune

    gone = prune(Run(home_of(home), environment))
    assert len(gone) == 3 and ours not in gone


def test_the_child_ends_with_us(place: Path) -> None:
    """Who holds the locks is gone when the process that asked for it is."""
    alone(place / "home")
    script = (
        "import os, sys, time; from pathlib import Path; from hermes_repair import host\n"
        "with host.held(Path(sys.argv[1])) as ours:\n"
        "    print('ready' if ours else 'not', flush=True); time.sleep(60)"
    )
    with neighbour(script, place / "home" / "state.db") as process:
        with byte_reader.held(place / "home" / "state.db") as ours:
            assert not ours
        process.kill()
        process.wait()
    for _ in range(100):
        with byte_reader.held(place / "home" / "state.db") as ours:
            if ours:
                return
    raise AssertionError("the locks outlive the process")
