"""Runs inside a release (``tests.releases.run_release``): reads operations, does them, reports.

Arguments: a JSON file ``{"copy_from", "bulk", "seed", "ops"}`` to read and a file to write the list
of results to. Every operation is a dict with ``op`` and, mostly, ``at`` (epoch seconds at which it
happens); the methods whose names start with ``do_`` say what each takes and returns.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
import uuid
import zlib
from pathlib import Path
from typing import Any

from .turns import MODEL, MODEL_CONFIG, Clock, Gateway, Json


class Driver(Gateway):
    """The gateway, what people do to it, and the questions that the tests ask it."""

    def do_open(self, op: Json) -> Json:
        """A CLI or delegate session ``name`` of ``source`` (under ``parent``); ``{"session"}``."""
        self.clock.now = op["at"]
        session_id = self._new_id()
        parent = self._id(op["parent"]) if op.get("parent") else None
        self.db.create_session(
            session_id=session_id,
            source=op["source"],
            model=MODEL,
            model_config=MODEL_CONFIG,
            parent_session_id=parent,
        )
        self.names[op["name"]] = session_id
        return {"session": session_id}

    # What a person or the operator does

    def do_new(self, op: Json) -> Json:
        """``/new`` in ``chat``; returns ``{"session"}``, the fresh id."""
        self.clock.now = op["at"]
        key = self._entry(op["chat"]).session_key
        return {"session": self.store.reset_session(key).session_id}

    def do_undo(self, op: Json) -> Json:
        """``/undo`` in ``chat`` as in 0.13.0 to 0.15.2: rewrite without the last user turn."""
        self.clock.now = op["at"]
        session_id = self._entry(op["chat"]).session_id
        history = self.store.load_transcript(session_id)
        last = max(i for i, message in enumerate(history) if message["role"] == "user")
        self.store.rewrite_transcript(session_id, history[:last])
        self.said.pop(session_id, None)
        return {"session": session_id, "removed": len(history) - last}

    def do_delete(self, op: Json) -> Json:
        """Delete ``session``: in the dashboard, or with ``files`` as the CLI does, files too."""
        dashboard = self.state.SessionDB()
        session_id = self._id(op["session"])
        folder = {"sessions_dir": self.home / "sessions"} if op.get("files") else {}
        done = dashboard.delete_session(session_id, **folder)
        dashboard.close()
        self.said.pop(session_id, None)
        return {"deleted": done}

    def do_end(self, op: Json) -> None:
        """End ``session`` for ``reason``; after 'compression' alone: killed before the child."""
        self.clock.now = op["at"]
        self.db.end_session(self._id(op["session"]), op["reason"])

    def do_lock(self, op: Json) -> Json:
        """Take the compression lock on ``session`` for process ``pid`` (default: this one).

        ``seconds`` is its lease. The holder's form is that of 0.16.0 to 0.19.0. Returns it.
        """
        pid = op.get("pid") or os.getpid()
        nonce = zlib.crc32(f"{pid} {op['session']}".encode())
        holder = f"pid={pid}:tid=140001:agent=7f3a10:nonce={nonce:08x}"
        self.clock.now = op["at"]
        if not self.db.try_acquire_compression_lock(op["session"], holder, op["seconds"]):
            raise RuntimeError(f"the lock on {op['session']} is held by somebody else")
        return {"holder": holder}

    def do_wait(self, op: Json) -> None:
        """Say ``ready`` and this process's id, and wait for a line on stdin."""
        print("ready", os.getpid(), flush=True)
        sys.stdin.readline()

    # What a release shows

    def do_load(self, op: Json) -> list[Json]:
        """Return what ``load_transcript`` gives for ``session``."""
        return self._load(op["session"])

    def do_list(self, op: Json) -> list[Json]:
        """Return the rows of ``list_sessions_rich``."""
        return [dict(row) for row in self.db.list_sessions_rich(limit=100_000)]

    def do_call(self, op: Json) -> Any:
        """Return ``SessionDB.<name>(*args)``, of which nothing is imitated."""
        return getattr(self.db, op["name"])(*op["args"])

    def do_store(self, op: Json) -> list[Json]:
        """Store ``messages`` as a new ``session`` and return what is read back."""
        self.db.create_session(session_id=op["session"], source="telegram")
        self.db.replace_messages(op["session"], op["messages"])
        return self._load(op["session"])


def main() -> None:
    """Do the operations of the file ``argv[1]`` and write their results to ``argv[2]``."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    home = Path(os.environ["HERMES_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    if plan["copy_from"]:
        for name in ("state.db", "state.db-wal", "state.db-shm", "config.yaml"):
            if (Path(plan["copy_from"]) / name).exists():
                shutil.copy2(Path(plan["copy_from"]) / name, home / name)
        if (Path(plan["copy_from"]) / "sessions").is_dir():
            shutil.copytree(Path(plan["copy_from"]) / "sessions", home / "sessions")
    clock = Clock()
    numbers = random.Random(plan["seed"])
    time.time = clock.time
    os.fsync = lambda fd: None
    uuid.uuid4 = lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)
    gateway = Driver(clock, plan["bulk"])
    results = [getattr(gateway, f"do_{op['op']}")(op) for op in plan["ops"]]
    gateway.close()
    Path(sys.argv[2]).write_text(json.dumps(results, default=str), encoding="utf-8")
