"""One process of a live Hermes: chats, rotations, searches at full speed, by a real SessionDB.

Runs inside a release (``tests.releases.start_release``). Arguments: name, journal mode. It opens
the database, says ``ready PID``, begins at a line on stdin and ends at the next; then it prints one
JSON line: what it did, the slowest of each kind, and every lock of its own that somebody took.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import threading
import time
from typing import Any

hermes_state: Any = importlib.import_module("hermes_state")

NAME, MODE = sys.argv[1:3]
HOLDER = f"pid={os.getpid()}:tid={threading.get_ident()}:agent={id(NAME):x}:nonce={NAME}"


def delete_mode(connection: Any, **_options: Any) -> str:
    """Set the journal mode that every release falls back to where WAL does not work (NFS, SMB)."""
    connection.execute("PRAGMA journal_mode=DELETE")
    return "delete"


class Worker:
    """Counts and times what it does. ``slowest`` is in seconds, per kind of operation."""

    def __init__(self) -> None:
        self.db = hermes_state.SessionDB()
        self.refresh = getattr(self.db, "refresh_compression_lock", None)  # 0.18 on
        self.stop = threading.Event()
        self.done: dict[str, int] = {}
        self.slowest: dict[str, float] = {}
        self.errors: list[str] = []
        self.stolen: list[str] = []
        self.sent: dict[str, int] = {}
        self.number = 0

    def timed(self, kind: str, call: Any, *args: Any, **options: Any) -> Any:
        started = time.monotonic()
        try:
            return call(*args, **options)
        except Exception as error:  # noqa: BLE001 - whatever a release raises is counted
            self.errors.append(f"{kind}: {error!r}")
            return None
        finally:
            spent = time.monotonic() - started
            self.slowest[kind] = max(self.slowest.get(kind, 0.0), spent)
            self.done[kind] = self.done.get(kind, 0) + 1

    def session(self, parent: str | None = None) -> str:
        self.number += 1
        session_id = f"{NAME}-{self.number:05d}"
        create = self.db.create_session
        self.timed("create", create, session_id, source="telegram", parent_session_id=parent)
        return session_id

    def say(self, session_id: str, role: str) -> None:
        count = self.sent[session_id] = self.sent.get(session_id, 0) + 1
        text = f"{NAME} {count} the tomato bed and the night train to Vienna " + "x" * 200
        self.timed("append", self.db.append_message, session_id, role, text)

    def still_mine(self, session_id: str) -> None:
        failed = len(self.errors)
        holder = self.timed("holder", self.db.get_compression_lock_holder, session_id)
        if holder != HOLDER and len(self.errors) == failed:
            self.stolen.append(f"{session_id}: {holder!r}")

    def rotate(self, session_id: str, pause: float) -> str:
        """Compress as the releases do: lock, end, child, its first rows, release."""
        acquire, release = self.db.try_acquire_compression_lock, self.db.release_compression_lock
        if not self.timed("acquire", acquire, session_id, HOLDER):
            self.errors.append(f"acquire {session_id}: refused")
        time.sleep(pause)
        if self.refresh is not None and not self.timed("refresh", self.refresh, session_id, HOLDER):
            self.stolen.append(f"{session_id}: could not be renewed")
        self.timed("end", self.db.end_session, session_id, "compression")
        time.sleep(pause)
        child = self.session(session_id)
        self.say(child, "user")
        time.sleep(pause)
        self.still_mine(session_id)
        self.timed("release", release, session_id, HOLDER)
        return child

    def run(self) -> None:
        rng = random.Random(NAME)
        # One lock that is held all the time, as by a compression that takes minutes.
        held = self.session()
        self.timed("acquire", self.db.try_acquire_compression_lock, held, HOLDER)
        current = self.session()
        while not self.stop.is_set():
            for role in ("user", "assistant") * rng.randint(1, 3):
                self.say(current, role)
            self.timed("search", self.db.search_messages, "tomato", limit=5)
            if rng.random() < 0.5:
                current = self.rotate(current, rng.choice((0.0, 0.0, 0.02, 0.2)))
            self.still_mine(held)
        self.timed("release", self.db.release_compression_lock, held, HOLDER)


def main() -> None:
    if MODE == "delete":
        hermes_state.apply_wal_with_fallback = delete_mode
    worker = Worker()
    mode = worker.db._conn.execute("PRAGMA journal_mode").fetchone()[0]
    assert mode == MODE, mode
    print("ready", os.getpid(), flush=True)
    sys.stdin.readline()
    started = time.monotonic()
    thread = threading.Thread(target=worker.run)
    thread.start()
    sys.stdin.readline()
    worker.stop.set()
    thread.join()
    seconds = time.monotonic() - started
    worker.db.close()
    answer = {
        "seconds": seconds,
        "done": worker.done,
        "slowest": worker.slowest,
        "errors": worker.errors,
        "stolen": worker.stolen,
        "sent": worker.sent,
    }
    print("done", json.dumps(answer), flush=True)


main()
