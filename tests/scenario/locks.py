"""Compression locks of the real releases 0.16.0 to 0.19.0: a held one, and those left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.scenario.play import Running, play


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock of a living process that has the database open."""

    process: Running
    pid: int
    session_id: str
    acquired_at: float
    expires_at: float


@contextmanager
def hold_lock(
    home: Path,
    session_id: str,
    now: float,
    *,
    seconds: float = 300.0,
    version: str = "0.16.0",
) -> Iterator[HeldLock]:
    """Give a running process of ``version`` that took the lock on ``session_id`` at ``now``.

    Its two connections stay open; the lock is real, so is the process id in its holder. ``now``
    should be the real time, or the process looks younger than its lock. A home of an older schema
    is migrated by the opening. Leaving the block, or ``process.kill()`` within it, ends the process
    as a crash does: the lock stays. ``process.finish()`` ends it well; the lock stays then too.
    """
    lock = {"op": "lock", "session": session_id, "at": now, "seconds": seconds}
    with Running(version, home, [lock, {"op": "wait"}]) as process:
        pid = process.wait_until_ready()
        yield HeldLock(process, pid, session_id, now, now + seconds)


def plant_lock(
    home: Path,
    session_id: str,
    pid: int,
    acquired_at: float,
    expires_at: float,
    *,
    version: str = "0.16.0",
) -> str:
    """Leave a lock of process ``pid`` behind, through the release's own method; return its holder.

    Times are epoch seconds. The session needs no row.
    """
    seconds = expires_at - acquired_at
    lock = {"op": "lock", "session": session_id, "at": acquired_at, "seconds": seconds, "pid": pid}
    return str(play(version, home, [lock])[0]["holder"])
