"""A real SessionDB that is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.releases import hear, start_release

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
