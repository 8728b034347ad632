"""Homes with compression locks, made by real releases, for the tests of ``locks``."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.releases import hear, run_release, say, start_release

MAKE = """
from hermes_state import SessionDB
db = SessionDB()
for name in ("choir", "garden"):
    db.create_session(name, source="telegram")
    db.append_message(name, "user", "Who sings alto on Friday?")
    db.append_message(name, "assistant", "Four of six have said yes.")
db.close()
"""

# Does what its stdin says, with one SessionDB that stays open: "acquire SESSION SECONDS",
# "release SESSION", "end SESSION", "child SESSION", "rotate SESSION" (both, and a message), "hold
# SECONDS" (a transaction).
COMMANDS = """
import os, sys, threading, time
from hermes_state import SessionDB
db = SessionDB()
holder = f"pid={os.getpid()}:tid={threading.get_ident()}:agent=7f3a10:nonce=0badcafe"
print("ready", os.getpid(), flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "acquire":
        answer = db.try_acquire_compression_lock(rest[0], holder, ttl_seconds=float(rest[1]))
    elif word == "release":
        answer = db.release_compression_lock(rest[0], holder)
    elif word == "rotate":
        db.end_session(rest[0], "compression")
        db.create_session(rest[0] + "-2", source="telegram", parent_session_id=rest[0])
        answer = db.append_message(rest[0] + "-2", "user", "And who sings bass?")
    elif word == "end":
        answer = db.end_session(rest[0], "compression")
    elif word == "child":
        answer = db.create_session(rest[0] + "-2", source="telegram", parent_session_id=rest[0])
    elif word == "holder":
        answer = db.get_compression_lock_holder(rest[0])
    elif word == "hold":
        db._conn.execute("BEGIN IMMEDIATE")
        print("done", "holding", flush=True)
        time.sleep(float(rest[0]))
        answer = db._conn.execute("COMMIT")
    print("done", answer, flush=True)
"""

GONE = "pid=4000001:tid=7:agent=1c:nonce=00000001"


def make_home(folder: Path, version: str = "0.19.0") -> Path:
    """Return a home at rest with two chats, made by ``version``."""
    home = folder / "home"
    home.mkdir()
    run_release(version, MAKE, home)
    return home


class Hermes:
    """A process of a real release that has the home open and does what it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = int(hear(process, "ready"))

    def do(self, line: str) -> str:
        say(self.process, line)
        return hear(self.process, "done")


@contextmanager
def running(home: Path, version: str = "0.19.0") -> Iterator[Hermes]:
    """Run a release on ``home``; it is killed at the end."""
    process = start_release(version, COMMANDS, home)
    try:
        yield Hermes(process)
    finally:
        process.kill()
        process.communicate()


def plant(
    home: Path, session: str, holder: str = GONE, *, acquired: float = -900, expires: float = -600
) -> None:
    """Leave a lock; its times are in seconds from now."""
    now = time.time()
    with closing(sqlite3.connect(home / "state.db", timeout=30)) as connection, connection:
        connection.execute(
            "INSERT INTO compression_locks VALUES (?, ?, ?, ?)",
            (session, holder, now + acquired, now + expires),
        )


def locks(home: Path) -> dict[str, str]:
    """Return session and holder of every lock."""
    with closing(sqlite3.connect(home / "state.db", timeout=30)) as connection:
        return dict(connection.execute("SELECT session_id, holder FROM compression_locks"))


def receipts(home: Path) -> list[Path]:
    """Return our receipts, oldest first."""
    return sorted((home / "hermes-repair" / "receipts").glob("*"))
