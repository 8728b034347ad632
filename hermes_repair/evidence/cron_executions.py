"""Runs of cron that nobody finishes any more, in ``cron/executions.db`` (0.19.0 on)."""

from __future__ import annotations

from hermes_repair import host
from hermes_repair.evidence.lock_holds import pids_comparable
from hermes_repair.home.layout import Home
from hermes_repair.model.errors import HermesRepairError
from hermes_repair.store.file_state import main_alone

_EXECUTIONS = "cron/executions.db"
_COLUMNS = {"pid", "process_started_at", "status"}


def abandoned_executions(home: Home, notes: list[str]) -> int:
    """Return how many runs are noted as claimed or running whose program is proven gone.

    As Hermes judges it (``recover_interrupted_executions``): nobody has the number of the program,
    or its present owner began at another time. Nothing is judged while somebody has the file open
    or left something beside it; ``notes`` gets why it could not be read.
    """
    path = home.root / _EXECUTIONS
    try:
        if not path.is_file() or path.is_symlink() or not pids_comparable(path):
            return 0
        facts, openers = host.survey(path)
    except OSError as error:
        notes.append(f"{path} was not read: {error.strerror}.")
        return 0
    beside = any(found.exists and found.size for found in (facts.wal, facts.journal))
    if not facts.is_sqlite or beside or not openers.nobody:
        return 0
    try:
        with main_alone(facts.real) as look:
            if not set(look.columns("executions")) >= _COLUMNS:
                return 0
            rows = list(
                look.rows(
                    "SELECT pid, process_started_at FROM executions"
                    " WHERE status IN ('claimed', 'running')"
                )
            )
    except HermesRepairError as error:
        notes.append(f"{path} was not read: {error.message}")
        return 0
    return sum(isinstance(pid, int) and _is_gone(pid, started) for pid, started in rows)


def _is_gone(pid: int, started: object) -> bool:
    process = host.process(pid)
    if process is None or process.zombie:
        return True
    known = isinstance(started, int) and process.start_ticks is not None
    return known and started != process.start_ticks
