"""The files of a home that Hermes locks with ``flock``, and its pid file.

That such a file is there means nothing: the lock is the kernel's and goes when its holder ends.
Deleting one splits the lock in two, so that two programs each believe they have it (Hermes #100130,
#60703): nothing of ours ever removes or opens one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hermes_repair.home.layout import Home
from hermes_repair.host.regular_files import parse_json, read_small

PID_FILE_LIMIT = 1 << 16  # bytes; a record has some hundred

# Relative to the profile's home. Names and places are those of the releases from 0.13.0 on that
# have them; the last four are of releases after 0.19.0 (Hermes #93200, #100525).
_IN_HOME = (
    ("gateway.lock", "the gateway of this home"),
    ("cron/.tick.lock", "one tick of the cron scheduler"),
    ("cron/.jobs.lock", "changing the list of cron jobs"),  # 0.17.0
    ("runtime/active_sessions.lock", "counting the active sessions"),  # 0.17.0
    ("auth.lock", "changing the credentials"),
    ("state.db.repair.lock", "Hermes' own repair of state.db"),
    ("state.db.fts_rebuild.lock", "rebuilding the search index"),
    ("state.db.auto-maintenance.lock", "Hermes' own maintenance of state.db"),
    ("state.db.quarantine.lock", "setting an emptied state.db aside"),
)
# The board is shared by all profiles and lies at their base.
_IN_BASE = (
    ("kanban.db.init.lock", "opening the kanban board"),  # 0.15.0
    ("kanban.db.dispatch.lock", "one tick of the kanban dispatcher"),  # 0.18.0
    ("kanban/.dispatcher.lock", "the gateway that runs the kanban dispatcher"),  # 0.17.0
)


@dataclass(frozen=True, slots=True)
class LockFile:
    """One file that programs lock, and for what."""

    path: Path
    guards: str


@dataclass(frozen=True, slots=True)
class PidRecord:
    """What ``gateway.pid`` says; ``start_ticks`` as ``ProcessInfo.start_ticks`` counts them."""

    pid: int | None
    start_ticks: int | None


def lock_files(home: Home) -> tuple[LockFile, ...]:
    """Return every lock file that a known release would use in this home, there or not."""
    places = [(home.root / name, guards) for name, guards in _IN_HOME]
    places += [(home.base / name, guards) for name, guards in _IN_BASE]
    places.append((home.records / "run.lock", "a run of hermes-repair that writes"))
    return tuple(LockFile(path, guards) for path, guards in places)


def pid_file(home: Home) -> Path:
    """Return where the gateway writes its number (0.13.0 on)."""
    return home.root / "gateway.pid"


def read_pid_file(path: Path) -> PidRecord | None:
    """Return what a pid file says: a JSON record, or a bare number; None where there is none.

    A file that holds neither gives a record without a number. Raises OSError where it may not be
    read.
    """
    try:
        data = read_small(path, PID_FILE_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        record = parse_json(data)
    except ValueError:
        return PidRecord(None, None)
    if not isinstance(record, dict):
        record = {"pid": record}
    return PidRecord(_number(record.get("pid")), _number(record.get("start_time")))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
