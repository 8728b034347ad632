"""leases and host together, on locks that real releases took and hold."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hermes_repair.host import OpenStatus, process, who_has_open
from hermes_repair.leases import LockRow, Verdict, parse_holder, verdict
from hermes_repair.leases.lock_verdicts import Kind
from hermes_repair.model.plans import Safety
from tests.releases import hear, say, start_release
from tests.releases.session_db import session_db

VERSIONS = ("0.16.0", "0.18.2", "0.19.0")

# Each release's own function makes the holder; its module needs packages that are not here.
HOLD = """
import ast, os, sys, threading, uuid
from pathlib import Path
from typing import Any
import hermes_state
source = Path(hermes_state.__file__).parent / "agent" / "conversation_compression.py"
tree = ast.parse(source.read_text(encoding="utf-8"))
(function,) = [n for n in tree.body if getattr(n, "name", "") == "_compression_lock_holder"]
exec(compile(ast.Module([function], []), str(source), "exec"))
db = hermes_state.SessionDB()
db.create_session("s1", source="cli")
holder = _compression_lock_holder(object())
assert db.try_acquire_compression_lock("s1", holder)
assert db.try_acquire_compression_lock("old", holder, ttl_seconds=-100)
print("ready", holder, flush=True)
sys.stdin.readline()
db.end_session("s1", "compression")
db.create_session("s2", source="cli", parent_session_id="s1")
print("rotated", flush=True)
sys.stdin.readline()
db.release_compression_lock("s1", holder)
print("released", flush=True)
sys.stdin.readline()
"""


def judge(path: Path) -> dict[str, Verdict]:
    openers = who_has_open(path)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT session_id, holder, acquired_at, expires_at FROM compression_locks"
        ).fetchall()
    found = {}
    for row in rows:
        holder = parse_holder(row[1])
        assert holder is not None
        found[row[0]] = verdict(LockRow(*row), openers, process(holder.pid), time.time())
    return found


def plant(path: Path, session_id: str, holder: str, acquired: float, expires: float) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute(
            "INSERT INTO compression_locks VALUES (?, ?, ?, ?)",
            (session_id, holder, acquired, expires),
        )


@contextmanager
def holding(version: str, home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    running = start_release(version, HOLD, home)
    try:
        yield running, hear(running, "ready")
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_live_lock_stays_and_what_is_over_is_found(version: str, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with holding(version, tmp_path) as (running, holder):
        parsed = parse_holder(holder)
        assert parsed is not None and parsed.pid == running.pid
        now = time.time()
        ended = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True)
        plant(path, "dead", f"pid={ended.stdout.strip()}:tid=1", now - 10, now + 290)
        plant(path, "reused", holder, now - 5000, now + 100)
        plant(path, "absurd", holder, now, now + 90_000)
        seen = process(running.pid)
        assert seen is not None
        just_booted = seen.start_tolerance > 10  # then a reused number is not believed
        found = judge(path)
        assert {name: (v.kind, v.safety) for name, v in found.items()} == {
            "s1": (Kind.LIVE, None),
            "old": (Kind.EXPIRED, Safety.SAFE),
            "dead": (Kind.HOLDER_DEAD, Safety.SAFE),
            "reused": (Kind.LIVE, None) if just_booted else (Kind.HOLDER_DEAD, Safety.SAFE),
            "absurd": (Kind.ABSURD, Safety.UNSAFE),
        }
        assert found["dead"].reason == f"Process {ended.stdout.strip()} is gone."
        assert just_booted or "a later process" in str(found["reused"].reason)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rotation_keeps_its_lock_and_a_killed_one_does_not(version: str, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with session_db(tmp_path, version=version), holding(version, tmp_path) as (running, _):
        say(running, "")
        hear(running, "rotated")
        assert judge(path)["s1"].kind is Kind.LIVE  # its session has ended, as in every rotation
        running.kill()
        running.wait()
        found = judge(path)["s1"]
        assert (found.kind, found.cleanable) == (Kind.HOLDER_DEAD, True)
        assert found.reason == f"Process {running.pid} is gone."
    assert who_has_open(path).status is OpenStatus.NOBODY
    assert "nobody has the database open" in str(judge(path)["s1"].reason).lower()


def test_a_killed_holder_that_nobody_has_collected(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with session_db(tmp_path), holding("0.16.0", tmp_path) as (running, _):
        running.kill()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
        found = judge(path)["s1"]
        assert found.kind is Kind.HOLDER_DEAD
        assert "its parent has not noticed yet" in str(found.reason)
