"""``locks list`` and ``locks install``: what holds or blocks, and a timer that frees what is over.

The list is of rows and of files beside the database. What the timer runs is :mod:`.clean_locks`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hermes_repair import host
from hermes_repair.app.environment import Environment, Run
from hermes_repair.app.file_status import copy_private, path_in_home, quick_look, read_file_status
from hermes_repair.app.receipts import gather
from hermes_repair.evidence.lock_holds import Circumstances, Hold, pids_comparable, rows_that_hold
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

    Beside the rows (:func:`~hermes_repair.evidence.lock_holds.rows_that_hold`) these are
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


NAME = "hermes-repair-locks"
DESCRIPTION = "Free the compression locks of Hermes that are provably over"


def cleaning(program: Sequence[str], home: Home, *, all_profiles: bool) -> list[str]:
    """Return the command that a timer runs for this home. ``program`` begins with a full path.

    Raises :class:`Refused` for a path that is not UTF-8: neither systemd nor cron's shell takes it.
    """
    where = home.base if all_profiles else home.root
    try:
        str(where).encode()
    except UnicodeEncodeError:
        raise Refused(
            f"The path {where} is not UTF-8, so no timer can name it.",
            "Rename that folder, or make a link to it with a plain name and use that with --home.",
        ) from None
    return [*program, "locks", "clean", "--home", str(where), *["--all-profiles"] * all_profiles]


def crontab_line(command: Sequence[str]) -> str:
    """Return the line of a crontab that runs the command now and then."""
    return host.crontab_line(command)


def unit_texts(command: Sequence[str], home: Home, usual: Path) -> dict[str, str]:
    """Return ``{file name: text}`` of a user service and its timer.

    A home other than ``usual`` gets units of its own name, so that several can be served.
    """
    own = "" if home.root == usual else "-" + _slug(home.root)
    return host.systemd_units(NAME + own, DESCRIPTION, command)


def unit_folder(environment: Environment) -> Path:
    """Return where systemd looks for the units of this user (systemd.unit(5))."""
    named = environment.environ.get("XDG_CONFIG_HOME", "")
    base = Path(named) if named.startswith("/") else environment.user_home / ".config"
    return base / "systemd" / "user"


def write_units(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the units; return their paths. Nothing is started.

    Raises :class:`Refused` where a file of that name says something else: it may be the user's own.
    """
    for name, text in texts.items():
        place = folder / name
        if place.exists() and place.read_text(encoding="utf-8", errors="replace") != text:
            raise Refused(
                f"{place} already exists and has different content.",
                "Move it away, then run this again; without --write the text is only printed.",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def require_owner(home: Home) -> None:
    """Raise :class:`Refused` where a timer of this user could not keep records in the home (R8)."""
    if not home.database.exists():
        return
    owner = host.differing_owner(home.database)
    if owner is not None:
        raise Refused(
            f"{home.database} belongs to {owner.user or owner.uid}, whose timer this should be.",
            f"Run it as that user: sudo -u {owner.user or f'#{owner.uid}'} hermes-repair ...",
        )


def _slug(path: Path) -> str:
    """Return a path as part of a unit name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", str(path)).strip("-") or "root"
