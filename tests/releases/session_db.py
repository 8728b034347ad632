"""A real SessionDB that is open: one that waits, and one that does what it is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.releases import hear, say, start_release

# A real SessionDB that stays open until its stdin ends. argv[1]: journal mode.
SESSION_DB = """
import os, sys
from hermes_state import SessionDB
db = SessionDB()
db.create_session("s1", source="cli")
db.append_message("s1", "user", "hello")
if sys.argv[1] == "delete":
    assert db._conn.execute("PRAGMA journal_mode=DELETE").fetchone()[0] == "delete"
print("ready", os.getpid(), flush=True)
sys.stdin.readline()
"""


@contextmanager
def session_db(home: Path, mode: str = "wal", version: str = "0.16.0") -> Iterator[int]:
    """Run a real SessionDB on ``home/state.db`` and yield its pid."""
    process = start_release(version, SESSION_DB, home, mode)
    try:
        yield int(hear(process, "ready"))
    finally:
        process.kill()
        process.communicate()


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
