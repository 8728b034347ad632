"""``locks list`` and ``locks install``: what holds or blocks, and a timer that frees what is over.

The list is of rows and of files beside the database. What the timer runs is :mod:`.clean_locks`.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.environment import Run
from hermes_repair.app.file_status import copy_private, path_in_home, quick_look, read_file_status
from hermes_repair.app.receipts import gather
from hermes_repair.evidence.lock_holds import Circumstances, Hold, pids_comparable
from hermes_repair.evidence.rows_that_hold import rows_that_hold
from hermes_repair.home.layout import Home, LockFile, lock_files, pid_file, read_pid_file
from hermes_repair.host import KernelLock
from hermes_repair.host.regular_files import real_path
from hermes_repair.leases import Kind, Verdict
from hermes_repair.model.commands_to_type import advice, command
from hermes_repair.model.errors import DatabaseUnreadable, HermesRepairError, Refused
from hermes_repair.model.values import number, whole
from hermes_repair.model.words import SessionLabel, count, minute
from hermes_repair.records.folder import Folder
from hermes_repair.store.look import Look


@dataclass(slots=True)
class Held:
    """What holds or blocks in one home. ``problem``: the database could not be looked at.

    ``left_behind``: a -wal or -journal that no connection uses keeps ``locks clean`` out.
    """

    holds: list[Hold] = field(default_factory=list)
    labels: dict[str, SessionLabel] = field(default_factory=dict)
    problem: HermesRepairError | None = None
    left_behind: bool = False


def everything(run: Run) -> Held:
    """Return everything that holds or blocks in a home. Changes nothing (R1).

    Beside the rows (:func:`~hermes_repair.evidence.rows_that_hold.rows_that_hold`) these are
    ``lock-file``, ``gateway-pid`` and ``receipt``; they are listed where the database cannot be
    read, too. Raises :class:`~hermes_repair.model.errors.NoInstall` where there is no database.
    """
    file_status = read_file_status(run.home)
    held = Held(left_behind=file_status.left_behind)
    try:
        with quick_look(run.home, file_status, copy_private) as look:
            around = Circumstances(
                database=run.home.database,
                openers=file_status.openers,
                comparable=pids_comparable(run.home.database),
                hostname=socket.gethostname(),
                now=run.now(),
            )
            held.holds += rows_that_hold(look, around)
            held.labels = _labels(look, held.holds)
    except (Refused, DatabaseUnreadable) as error:
        held.problem = error
    held.holds += _lock_files(run.home)
    held.holds += _gateway_pid(run.home)
    held.holds += _receipts(run.folder)
    return held


def _labels(look: Look, holds: list[Hold]) -> dict[str, SessionLabel]:
    """Return what lets a person tell the sessions apart, titles included."""
    labels: dict[str, SessionLabel] = {}
    for session in {hold.session for hold in holds if hold.session is not None}:
        row = look.one(
            "SELECT started_at, source, title, (SELECT COUNT(*) FROM messages WHERE session_id ="
            " sessions.id) FROM sessions WHERE id = ?",
            [session],
        )
        if row is None:
            continue
        started, source, title, messages = row
        labels[session] = SessionLabel(
            started_at=number(started),
            source=source if isinstance(source, str) else None,
            messages=whole(messages),
            title=title if isinstance(title, str) else None,
        )
    return labels


def _lock_files(home: Home) -> Iterator[Hold]:
    """Yield the lock files that are there, held or free by the kernel's own table."""
    files = lock_files(home)
    table = host.kernel_locks(file.path for file in files)
    hidden = host.hidden_processes()
    for file in files:
        if table is None:
            if file.path.exists():
                reason = "This system does not tell who holds a file lock."
                yield _lock_file(home, file, Verdict(Kind.UNKNOWN, reason))
        elif file.path in table:
            hold = _held_or_free(home, file, table[file.path], hidden)
            ours = file.path.is_relative_to(home.records)
            if not (ours and hold.verdict.kind is Kind.FREE):  # it lies there after every run
                yield hold


def _held_or_free(
    home: Home, file: LockFile, locks: tuple[KernelLock, ...], hidden: tuple[str, ...]
) -> Hold:
    if not locks:
        doubt = hidden or _shared(file.path)
        if doubt:
            reason = f"No holder is seen, but it may have one: {doubt[0]}."
            return _lock_file(home, file, Verdict(Kind.UNKNOWN, reason))
        reason = f"Nobody holds it; it guards {file.guards}. The file alone means nothing."
        return _lock_file(home, file, Verdict(Kind.FREE, reason))
    pid = locks[0].pid
    process = host.process(pid)
    if process is not None and not process.zombie:
        reason = f"It is held, and guards {file.guards}."
        return _lock_file(home, file, Verdict(Kind.LIVE, reason), pid, process)
    # The lock belongs to the open file, which a child inherits: it outlives who took it.
    heirs = host.who_has_open(file.path).processes
    who = f": {heirs[0].describe()}" if heirs else ""
    reason = (
        f"Process {pid} took it and has ended; a child process that it left behind still holds"
        f" it{who}."
    )
    return _lock_file(home, file, Verdict(Kind.STUCK, reason), pid, heirs[0] if heirs else None)


def _shared(path: Path) -> tuple[str, ...]:
    place = host.filesystem(real_path(path))
    if place.local and place.layer_of is None:
        return ()
    return (f"it is on a filesystem ({place.kind}) that others may use too",)


def _lock_file(
    home: Home,
    file: LockFile,
    verdict: Verdict,
    pid: int | None = None,
    process: host.ProcessInfo | None = None,
) -> Hold:
    return Hold("lock-file", path_in_home(home, file.path), verdict, pid=pid, process=process)


def _gateway_pid(home: Home) -> Iterator[Hold]:
    path = pid_file(home)
    try:
        record = read_pid_file(path)
        written = path.stat().st_mtime if record is not None else None
    except OSError as error:
        verdict = Verdict(Kind.UNKNOWN, f"It cannot be read: {error.strerror}.")
        yield Hold("gateway-pid", path_in_home(home, path), verdict)
        return
    if record is None:
        return
    process = host.process(record.pid) if record.pid is not None else None
    if record.pid is None:
        verdict = Verdict(Kind.STUCK, "It contains no process id; Hermes replaces it.")
    elif process is None or process.zombie:
        known = pids_comparable(home.database)
        reason = f"Process {record.pid} is gone; Hermes replaces the file at its next start."
        unseen = f"Process {record.pid} cannot be seen; it may run in another container."
        verdict = Verdict(Kind.HOLDER_DEAD, reason) if known else Verdict(Kind.UNKNOWN, unseen)
    elif record.start_ticks and process.start_ticks not in (None, record.start_ticks):
        reason = (
            f"Process {record.pid} is a later process with the same id; Hermes replaces the file"
            " at its next start."
        )
        verdict = Verdict(Kind.HOLDER_DEAD, reason)
    else:
        verdict = Verdict(Kind.LIVE, f"Process {record.pid} is running.")
    yield Hold(
        "gateway-pid",
        path_in_home(home, path),
        verdict,
        pid=record.pid,
        process=process,
        taken=written,
    )


def _receipts(folder: Folder) -> Iterator[Hold]:
    """Yield our own runs that were cut off (RP001)."""
    for path, header, pending in gather(folder).unfinished:
        when = minute(header.created)
        reason = advice(
            "A run of `{}` from {} was interrupted with {} open; `{}` finishes it.",
            header.command,
            when,
            count(pending, "step"),
            command("repair"),
        )
        verdict = Verdict(Kind.STUCK, reason)
        yield Hold("receipt", path.stem, verdict, taken=header.created)
