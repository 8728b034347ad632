"""``locks list``: everything that holds or blocks, each with its verdict, and nothing changed."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hermes_repair.home.layout import PidRecord, lock_files, open_home, read_pid_file
from hermes_repair.host import process
from tests.command import run
from tests.homes.by_releases import home_of_chats
from tests.homes.content import fingerprint
from tests.homes.damage import GONE_HOLDER, leave_lock
from tests.homes.home import execute
from tests.releases import release
from tests.releases.session_db import running


def listed(home: Path) -> list[dict[str, Any]]:
    """Return the entries of the list; looking changed nothing."""
    before = fingerprint(home)
    said = run("locks", "list", "--json", home=home)
    assert said.code == 0, said
    assert fingerprint(home) == before
    entries: list[dict[str, Any]] = said.document["locks"]
    return entries


def one(home: Path, what: str, subject: str) -> dict[str, Any]:
    found = [e for e in listed(home) if (e["what"], e["subject"]) == (what, subject)]
    assert len(found) == 1, found
    return found[0]


def test_nothing_is_held(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    assert listed(home) == []
    assert run("locks", "list", home=home).out.splitlines()[1:] == ["Nothing is held."]


def test_compression_locks_with_all_columns(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    with running(home) as hermes:
        hermes.do("acquire choir 300")
        leave_lock(home, "garden")
        said = run("locks", "list", "--json", home=home)
        found = {entry["subject"]: entry for entry in said.document["locks"]}
        live, over = found["choir"], found["garden"]
        assert live["pid"] == live["process"]["pid"] == hermes.pid
        assert live["process"]["alive"] is True and live["process"]["since"] < time.time()
        assert live["holder"].startswith(f"pid={hermes.pid}:tid=")
        assert 0 <= live["age"] < 60 and 200 < live["expires_in"] <= 300
        assert (live["verdict"], live["cleanable"], live["cleaned_by"]) == ("live", False, None)
        assert (over["pid"], over["process"], over["holder"]) == (4000001, None, GONE_HOLDER)
        assert 890 < over["age"] < 960 and -660 < over["expires_in"] < -590
        assert (over["verdict"], over["cleaned_by"]) == ("expired", "locks clean")
        plain = run("locks", "list", home=home).out.splitlines()
        assert len(plain) == 5 and plain[1].startswith("WHAT  SESSION OR NAME  HOLDER  AGE")
        assert plain[-1] == f"Next: hermes-repair locks clean --home {home}"
        row = next(line for line in plain if "choir" in line).split("  ")
        assert row[0] == "compression-lock" and str(hermes.pid) in row[2]
        assert "since 20" in row[2] and row[5:7] == ["live", "nothing"]
        assert "x1b" not in "".join(plain)


def test_pauses_breakers_and_handoffs(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    execute(
        home,
        "UPDATE sessions SET compression_failure_cooldown_until = ?, handoff_state = 'pending',"
        " compression_fallback_streak = 3 WHERE id = 'choir'",
        time.time() + 300,
    )
    execute(
        home,
        "UPDATE sessions SET compression_failure_cooldown_until = ?, handoff_state = 'completed',"
        " compression_fallback_streak = 1 WHERE id = 'garden'",
        time.time() - 300,
    )
    execute(home, "UPDATE messages SET timestamp = timestamp - 4000")
    assert one(home, "cooldown", "choir")["verdict"] == "live"
    over = one(home, "cooldown", "garden")
    assert (over["verdict"], over["cleaned_by"]) == ("expired", "repair")
    assert "summaries that failed" in one(home, "breaker", "choir")["reason"]
    stuck = one(home, "handoff", "choir")
    assert (stuck["verdict"], stuck["cleanable"]) == ("stuck", False)
    assert "no gateway is running" in stuck["reason"]
    assert len(listed(home)) == 4  # what is free is not listed


def test_delegations(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    own = process(os.getpid())
    assert own is not None
    rows = {
        "runs": ("running", "pending", None, os.getpid(), own.start_ticks),
        "dead": ("running", "pending", None, 4000001, 5),
        "reused": ("finalizing", "pending", None, os.getpid(), 1),
        "waits": ("completed", "pending", time.time() - 9000, 4000001, 5),
        "delivered": ("completed", "delivered", time.time() - 9000, 4000001, 5),
    }
    for name, (state, delivery, completed, pid, ticks) in rows.items():
        execute(
            home,
            "INSERT INTO async_delegations (delegation_id, origin_session, parent_session_id,"
            " state, dispatched_at, updated_at, delivery_state, completed_at, owner_pid,"
            " owner_started_at)"
            " VALUES (?, 'choir', 'choir', ?, 1.0, 1.0, ?, ?, ?, ?)",
            *(name, state, delivery, completed, pid, ticks),
        )
    found = {entry["subject"]: entry for entry in listed(home)}
    verdicts = {name: entry["verdict"] for name, entry in found.items()}
    comparable = found["dead"]["verdict"] != "unknown"  # not so in a container
    assert verdicts == {
        "runs": "live" if comparable else "unknown",
        "dead": "holder-dead" if comparable else "unknown",
        "reused": "holder-dead" if comparable else "unknown",
        "waits": "stuck",
    }
    assert {entry["cleanable"] for entry in found.values()} == {False}


def test_leases_and_heartbeats_of_later_schemas(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    now = time.time()
    execute(
        home,
        "CREATE TABLE session_turn_leases (conversation_id TEXT PRIMARY KEY, holder TEXT NOT NULL,"
        " acquired_at REAL NOT NULL, expires_at REAL NOT NULL)",
    )
    execute(
        home,
        "CREATE TABLE gateway_heartbeats (backend_id TEXT PRIMARY KEY, pid INTEGER NOT NULL,"
        " started_at REAL NOT NULL, last_heartbeat REAL NOT NULL,"
        " profile TEXT NOT NULL DEFAULT '', host TEXT NOT NULL DEFAULT '')",
    )
    execute(
        home,
        "INSERT INTO session_turn_leases VALUES ('choir', ?, ?, ?)",
        GONE_HOLDER,
        now,
        now + 90,
    )
    execute(home, "INSERT INTO session_turn_leases VALUES ('garden', '', ?, ?)", now, now)
    execute(
        home,
        "INSERT INTO gateway_heartbeats VALUES ('b1', 4000001, ?, ?, '', '')",
        now - 9000,
        now - 4000,
    )
    lease = one(home, "turn-lease", "choir")
    assert (lease["verdict"], lease["cleaned_by"]) == ("holder-dead", None)
    beat = one(home, "heartbeat", "b1")
    assert (beat["verdict"], beat["cleaned_by"]) == ("holder-dead", None)
    assert len(listed(home)) == 2


LOCK = """
import fcntl, os, sys, time
handle = open(sys.argv[1], "a+")
fcntl.flock(handle, fcntl.LOCK_EX)
if len(sys.argv) > 2 and os.fork() == 0:
    os.close(0), os.close(1)
    time.sleep(60)  # a child that inherited the lock
print("locked", flush=True)
sys.stdin.readline()
"""


@contextmanager
def locked(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
    try:
        yield holder
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a table of kernel locks")
def test_lock_files_are_held_or_free_and_never_touched(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    tick, rebuild = home / "cron" / ".tick.lock", home / "state.db.fts_rebuild.lock"
    tick.parent.mkdir()
    for path in (tick, rebuild, home / "gateway.lock"):
        path.touch()
    with locked(tick) as holder:
        held = one(home, "lock-file", "cron/.tick.lock")
        assert (held["verdict"], held["pid"], held["cleaned_by"]) == ("live", holder.pid, None)
        assert held["process"]["alive"] is True
        free = one(home, "lock-file", "state.db.fts_rebuild.lock")
        assert free["verdict"] in ("free", "unknown")  # unknown where processes may be hidden
        assert "pid" in free and free["pid"] is None
        # It is as locked as before, and still the same file.
        with tick.open("a") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert one(home, "lock-file", "cron/.tick.lock")["verdict"] in ("free", "unknown")
    assert tick.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a table of kernel locks")
def test_a_lock_that_a_child_inherited(tmp_path: Path) -> None:
    """Hermes #100108: the holder is gone and its child keeps the file locked."""
    home = home_of_chats(tmp_path)
    path = home / "state.db.repair.lock"
    with locked(path, "fork") as holder:
        holder.kill()
        holder.wait()
        stuck = one(home, "lock-file", "state.db.repair.lock")
        assert (stuck["verdict"], stuck["pid"]) == ("stuck", holder.pid)
        assert "a child process that it left behind still holds it: process " in stuck["reason"]
        os.kill(stuck["process"]["pid"], 9)


def test_the_pid_file_of_the_gateway(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    own = process(os.getpid())
    assert own is not None
    path = home / "gateway.pid"
    for record, verdicts in (
        ({"pid": os.getpid(), "start_time": own.start_ticks, "argv": ["secret"]}, {"live"}),
        ({"pid": os.getpid(), "start_time": 1}, {"holder-dead"}),
        (4000001, {"holder-dead", "unknown"}),
        ("nothing", {"stuck"}),
    ):
        path.write_text(json.dumps(record))
        entry = one(home, "gateway-pid", "gateway.pid")
        assert entry["verdict"] in verdicts, record
        assert (entry["cleaned_by"], "secret" in json.dumps(entry)) == (None, False)


def test_pid_files_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "gateway.pid"
    assert read_pid_file(path) is None
    for content, record in (
        (b"4711\n", PidRecord(4711, None)),
        (b'{"pid": 4711, "start_time": 99}', PidRecord(4711, 99)),
        (b'{"pid": "4711"}', PidRecord(None, None)),
        (b'{"pid": true, "start_time": -1}', PidRecord(None, None)),
        (b"", PidRecord(None, None)),
        (b"\xff\xfe", PidRecord(None, None)),
        (b"[" * 60000, PidRecord(None, None)),
    ):
        path.write_bytes(content)
        assert read_pid_file(path) == record


@pytest.mark.parametrize("version", ["0.13.0", "0.17.0", "0.19.0"])
def test_the_names_of_the_lock_files_are_those_of_the_releases(
    version: str, tmp_path: Path
) -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("cron", "gateway", "hermes_cli")
        for path in (release(version) / folder).glob("*.py")
    )
    since = {
        "0.13.0": (".tick.lock", "gateway.lock"),
        "0.17.0": (".jobs.lock", "active_sessions.lock", ".dispatcher.lock", ".init.lock"),
        "0.19.0": (".dispatch.lock",),
    }
    (tmp_path / "sessions").mkdir()
    known = [file.path.name for file in lock_files(open_home(tmp_path))]
    for first, names in since.items():
        for name in names if first <= version else ():
            assert name in text
            assert any(path.endswith(name) for path in known)


def test_a_run_of_ours_that_was_cut_off(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    leave_lock(home, "choir")
    assert run("locks", "clean", home=home).code == 0
    (receipt,) = (home / "hermes-repair" / "receipts").iterdir()
    with closing(sqlite3.connect(receipt)) as connection, connection:
        connection.execute("UPDATE header SET value = NULL WHERE name = 'closed'")
    found = one(home, "receipt", receipt.stem)
    assert (found["verdict"], found["cleaned_by"]) == ("stuck", None)
    assert "`hermes-repair repair` finishes it" in found["reason"]


def test_damage_shows_the_files_and_says_so(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    (home / "gateway.pid").write_text("4711")
    (home / "state.db").write_bytes(b"no database" * 1000)
    said = run("locks", "list", home=home)
    assert said.code == 4
    assert "state.db was not checked" in said.out and "gateway-pid" in said.out
    document = run("locks", "list", "--json", home=home).document
    assert document["note"] and [entry["what"] for entry in document["locks"]] == ["gateway-pid"]


def test_on_a_terminal_it_is_a_table_with_chats_that_can_be_told_apart(tmp_path: Path) -> None:
    home = home_of_chats(tmp_path)
    execute(home, "UPDATE sessions SET title = '\x1b[2JThe night train' WHERE id = 'choir'")
    leave_lock(home, "choir")
    shown = on_a_terminal("locks", "list", "--home", str(home))
    assert "WHAT" in shown and "CLEANED BY" in shown
    heading = next(line for line in shown.splitlines() if "WHAT" in line)
    row = next(line for line in shown.splitlines() if "compression-lock" in line)
    assert row.index("choir") == heading.index("SESSION OR NAME")
    assert "\x1b[2J" not in shown and "The night train" in shown and "2 messages" in shown
    assert "night train" not in on_a_terminal("locks", "list", "--no-titles", "--home", str(home))
    assert "night train" not in run("locks", "list", home=home).out


def on_a_terminal(*words: str) -> str:
    """Run a command with a terminal as its stdout; return what it shows, less the colours."""
    ours, theirs = pty.openpty()
    environ = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG")}
    command = subprocess.Popen(
        [sys.executable, "-m", "hermes_repair", *words],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=environ | {"HOME": "/nonexistent", "TERM": "dumb", "COLUMNS": "300"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert command.wait() == 0
    return shown.decode()
