"""host.openers: the rules (pure), and the answer against real processes of a real release."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hermes_repair.host import (
    Openers,
    OpenStatus,
    ProcessInfo,
    Program,
    byte_reader,
    probe,
    survey,
    survey_all,
    who_has_open,
)
from hermes_repair.host.filesystems import Filesystem, filesystem
from hermes_repair.host.openers import Observation, decide
from hermes_repair.host.processes import hidden_processes
from tests.unit.host_helpers import as_nobody, child, make_database

pytestmark = pytest.mark.byte_worker
LOCAL = Filesystem("ext4", local=True)
WAL = Observation(
    exists=True,
    wal_mode=True,
    filesystem=LOCAL,
    holders=frozenset(),
    table=frozenset(),
    processes=(),
)
DELETE = replace(WAL, wal_mode=False)
GATEWAY = ProcessInfo(
    pid=7, start_time=1000.0, command="hermes gateway run", program=Program.GATEWAY
)
HIDDEN = ("this is a container",)
CLOSED = ("pid 8 is closed to us",)

PLACE = filesystem(Path(tempfile.gettempdir()).resolve())
needs_whole_proc = pytest.mark.skipif(
    bool(hidden_processes(private_files=PLACE.private)),
    reason="processes of this machine are hidden from this test",
)
WHO = """
import sys
from pathlib import Path
from hermes_repair.host import who_has_open
found = who_has_open(Path(sys.argv[1]))
print(found.status.value, found.complete, [(p.pid, p.same_namespace) for p in found.processes])
print("; ".join(found.reasons))
"""


def status(seen: Observation) -> tuple[OpenStatus, bool]:
    found = decide(seen)
    return found.status, found.complete


def test_wal_without_a_holder_is_nobody_whatever_is_hidden() -> None:
    assert status(WAL) == (OpenStatus.NOBODY, True)
    assert status(replace(WAL, unseen=HIDDEN, uninspected=CLOSED)) == (OpenStatus.NOBODY, True)


def test_delete_mode_needs_every_process() -> None:
    assert status(DELETE) == (OpenStatus.NOBODY, True)
    assert status(replace(DELETE, unseen=HIDDEN)) == (OpenStatus.UNKNOWN, False)
    assert status(replace(DELETE, uninspected=CLOSED)) == (OpenStatus.UNKNOWN, False)


def test_somebody_and_when_the_list_is_whole() -> None:
    held = replace(WAL, holders=frozenset({7}), processes=(GATEWAY,))
    assert status(replace(held, table=frozenset({7}), uninspected=CLOSED)) == (
        OpenStatus.SOMEBODY,
        True,
    )
    assert status(replace(held, table=frozenset(), uninspected=CLOSED)) == (
        OpenStatus.SOMEBODY,
        False,
    )
    assert status(replace(held, table=None)) == (OpenStatus.SOMEBODY, True)
    assert status(replace(held, table=frozenset({7}), unseen=HIDDEN)) == (
        OpenStatus.SOMEBODY,
        False,
    )
    idle = replace(DELETE, processes=(GATEWAY,), uninspected=CLOSED)
    assert status(idle) == (OpenStatus.SOMEBODY, False)


def test_our_own_lock_may_hide_another_one() -> None:
    ours = replace(WAL, holders=frozenset({1}), unseen=HIDDEN)
    assert status(ours) == (OpenStatus.UNKNOWN, False)
    listed = replace(ours, unseen=(), table=frozenset({1}))
    assert status(listed) == (OpenStatus.NOBODY, True)


@pytest.mark.parametrize(
    "place", [Filesystem("nfs4", local=False), Filesystem("ext4", True, layer_of="/merged")]
)
def test_files_that_others_may_open_elsewhere(place: Filesystem) -> None:
    assert status(replace(WAL, filesystem=place)) == (OpenStatus.UNKNOWN, False)
    seen = replace(WAL, filesystem=place, processes=(GATEWAY,))
    assert status(seen) == (OpenStatus.SOMEBODY, False)


def test_locks_that_cannot_be_asked_for() -> None:
    assert status(replace(WAL, holders=None)) == (OpenStatus.UNKNOWN, False)


def test_an_absent_database_is_open_only_where_it_was_deleted() -> None:
    absent = replace(DELETE, exists=False, holders=None, unseen=HIDDEN)
    assert status(absent) == (OpenStatus.NOBODY, True)
    held = replace(absent, processes=(replace(GATEWAY, deleted=("state.db",)),))
    assert status(held)[0] is OpenStatus.SOMEBODY


def test_what_people_read() -> None:
    one = Openers(OpenStatus.SOMEBODY, (GATEWAY,), True).describe()
    assert one.startswith("The Hermes gateway (pid 7, `hermes gateway run`, since 1970-01-01 ")
    assert one.endswith(") has the database open; run `hermes gateway stop`")
    named = replace(GATEWAY, profile="work")
    assert named.how_to_stop() == "run `hermes --profile work gateway stop`"
    file_status = ProcessInfo(pid=0, same_namespace=False)
    two = Openers(OpenStatus.SOMEBODY, (file_status, GATEWAY), False).describe()
    assert two.startswith("A process in another container or PID namespace and 1 more have the")
    shell = ProcessInfo(pid=9, command="sqlite3 ...").describe()
    assert shell == "process 9 (`sqlite3 ...`)"
    for program in Program:
        process = ProcessInfo(pid=9, program=program)
        assert "kill" not in process.describe() + process.how_to_stop()
    unknown = Openers(OpenStatus.UNKNOWN, reasons=HIDDEN).describe()
    assert unknown == "It is not known who has the database open: this is a container"


@needs_whole_proc
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_nobody_and_ourselves(tmp_path: Path, mode: str) -> None:
    path = make_database(tmp_path / "state.db", mode)
    before = {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.iterdir()}
    found = who_has_open(path)
    assert (found.status, found.reasons) == (OpenStatus.NOBODY, ())
    assert {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.iterdir()} == before
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM t").fetchone()
        assert who_has_open(path).status is OpenStatus.NOBODY


def _told(openers: Openers) -> tuple[object, ...]:
    return openers.status, openers.complete, [(p.pid, p.start_ticks) for p in openers.processes]


@needs_whole_proc
def test_many_are_answered_as_each_alone(tmp_path: Path) -> None:
    free, held, linked = (
        make_database(tmp_path / name, "wal") for name in ("a.db", "b.db", "c.db")
    )
    os.link(linked, tmp_path / "second-name.db")
    named = [free, held, tmp_path / "second-name.db", tmp_path / "absent.db"]
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for path in (held, linked)
    ]
    try:
        for holder in holders:
            assert holder.stdout is not None and holder.stdout.readline() == b"ready\n"
        found = survey_all(named)
        alone = {path: survey(path) for path in named}
        assert {path: facts for path, (facts, _) in found.items()} == {
            path: facts for path, (facts, _) in alone.items()
        }
        for path in named:
            assert _told(found[path][1]) == _told(alone[path][1])
        assert [len(found[path][1].processes) for path in named] == [0, 1, 1, 0]
        assert found[held][1].processes[0].pid == holders[0].pid
    finally:
        for holder in holders:
            holder.communicate()
    assert survey_all([]) == {}


def test_no_answer_for_one_is_none_for_any(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise byte_reader.WorkerFailed("The filesystem did not answer within 20 seconds.")

    monkeypatch.setattr(byte_reader, "_ask", silent)
    assert survey_all([Path("/mnt/dead/state.db"), Path("/tmp/state.db")]) == {}


def _unshare() -> tuple[str, ...]:
    prefix = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not here")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("a PID namespace may not be made here")
    return prefix


HOLD = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1]); c.execute("SELECT * FROM t").fetchall()
print("ready", flush=True); sys.stdin.read()
"""


@needs_whole_proc
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_process_in_a_namespace_below(tmp_path: Path, mode: str) -> None:
    path = make_database(tmp_path / "state.db", mode)
    command = [*_unshare(), sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as inside:
        assert inside.stdout is not None and inside.stdout.readline() == b"ready\n"
        found = who_has_open(path)
        assert found.status is OpenStatus.SOMEBODY
        assert [p.same_namespace for p in found.processes] == [False]
        assert found.processes[0].pid > 1
        inside.communicate()


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_from_inside_a_namespace(tmp_path: Path, mode: str) -> None:
    path = make_database(tmp_path / "state.db", mode)
    prefix = _unshare()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM t").fetchall()
        first, reasons = child(WHO, str(path), prefix=prefix).splitlines()
    if mode == "wal":  # the kernel tells of a lock, not whose it is
        assert first == "somebody False [(0, False)]"
    else:
        assert first == "unknown False []"
    assert "cannot be seen" in reasons
    if mode == "wal":
        assert child(WHO, str(path), prefix=prefix).splitlines()[0] == "nobody True []"


def _open_to_all(folder: Path) -> None:
    for part in (folder, *list(folder.parents)[:-1]):
        part.chmod(part.stat().st_mode | 0o055)


@needs_whole_proc
def test_as_another_user(tmp_path: Path) -> None:
    """Root has it open and we are nobody: locks tell in WAL mode, nothing can in DELETE mode."""
    _open_to_all(tmp_path)
    code = """
    found = host.who_has_open(Path(sys.argv[1]))
    print(found.status.value, found.complete, [p.pid for p in found.processes])
    print("; ".join(found.reasons))
    """
    for mode in ("wal", "delete"):
        path = make_database(tmp_path / f"{mode}.db", mode)
        path.chmod(0o644)
        free = as_nobody(code, str(path)).splitlines()[0]
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("SELECT * FROM t").fetchall()
            lines = as_nobody(code, str(path)).splitlines()
        if mode == "wal":
            assert free == "nobody True []"
            assert lines[0] == f"somebody True [{os.getpid()}]"
        else:
            assert free == "unknown False []"
            assert lines[0] == "unknown False []"
            assert "cannot be inspected" in lines[1] and "sudo" in lines[1]
    path.chmod(0o600)
    lines = as_nobody(code, str(path)).splitlines()
    assert lines[0] == "unknown False []" and "locks cannot be read" in lines[1]


@needs_whole_proc
def test_our_own_byte_readers_are_nobody(tmp_path: Path) -> None:
    path = make_database(tmp_path / "state.db", "delete")
    done = threading.Event()

    def probe_all_the_time() -> None:
        while not done.is_set():
            probe(path)

    thread = threading.Thread(target=probe_all_the_time)
    thread.start()
    try:
        answers = [who_has_open(path) for _ in range(10)]
    finally:
        done.set()
        thread.join()
    assert {answer.status for answer in answers} == {OpenStatus.NOBODY}


def test_a_filesystem_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "worker.py"
    script.write_text("import time; time.sleep(30)")
    monkeypatch.setattr(byte_reader, "WORKER", script)
    monkeypatch.setattr(byte_reader, "LOOK_SECONDS", 0.3)
    found = who_has_open(tmp_path / "state.db")
    assert found.status is OpenStatus.UNKNOWN
    assert "did not answer" in found.describe()
