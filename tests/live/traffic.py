"""Real releases at full speed on one home, hermes-repair beside them, and what both did."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.releases import hear, say, start_release
from tests.support import ROOT

PATIENCE = 60
"""Seconds more that a busy machine gets for as many runs of ours as prove something."""

_WORKER = (Path(__file__).parent / "inside" / "worker.py").read_text(encoding="utf-8")
WRITES = ("create", "append", "acquire", "refresh", "end", "release")


@dataclass(slots=True)
class Planted:
    """A stale lock that we left there: when, and the run of ``locks clean`` that took it away."""

    session: str
    kind: str
    at: float
    gone: float | None = None


@dataclass(slots=True)
class Figures:
    """What happened. Times in seconds, sizes in bytes."""

    seconds: float = 0.0
    done: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    stolen: list[str] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    cleans: list[dict[str, Any]] = field(default_factory=list)
    doctors: list[dict[str, Any]] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)
    wal_peak: int = 0

    @property
    def writes_per_second(self) -> float:
        return sum(self.done[kind] for kind in WRITES) / self.seconds

    @property
    def ran_enough(self) -> bool:
        """Whether our commands have run often enough beside Hermes for a verdict."""
        looked = sum(run["code"] in (0, 1) for run in self.doctors)
        return len(self.cleans) >= 3 and looked >= 2

    @property
    def longest_wait(self) -> float:
        return max(self.slowest.get(kind, 0.0) for kind in WRITES)

    def failed(self, kinds: Sequence[str] = WRITES) -> list[str]:
        """Return the errors of these kinds of operations."""
        return [error for error in self.errors if error.partition(":")[0] in kinds]

    @property
    def cleaned(self) -> list[str]:
        return [session for run in self.cleans for session in run["document"].get("freed", ())]

    @property
    def wrongly_cleaned(self) -> list[str]:
        """Locks that went although nobody had planted them, and what the workers missed."""
        ours = {planted.session for planted in self.planted}
        return [session for session in self.cleaned if session not in ours] + self.stolen

    @property
    def false_findings(self) -> list[str]:
        """What ``doctor`` said beside the locks that we had left there."""
        ours = {planted.session for planted in self.planted}
        return [
            f"{found['id']} {found['subject']}"
            for run in self.doctors
            for found in run["document"].get("findings", ())
            if found["subject"].get("session_id") not in ours
        ]

    def __str__(self) -> str:
        times = sorted(run["seconds"] for run in self.cleans)
        lines = [
            f"{self.seconds:.0f} s, {sum(self.done.values())} operations,"
            f" {self.writes_per_second:.0f} writes/s, {self.done['search'] / self.seconds:.0f}"
            " searches/s",
            f"longest write {self.longest_wait:.3f} s"
            f" ({', '.join(f'{k} {v:.2f}' for k, v in sorted(self.slowest.items()))})",
            f"errors {len(self.errors)}, WAL at most {self.wal_peak / 1e6:.1f} MB",
        ]
        if self.cleans:
            codes = Counter(run["code"] for run in self.cleans)
            lines.append(
                f"locks clean: {len(self.cleans)} runs {dict(codes)}, median"
                f" {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s; planted"
                f" {len(self.planted)}, cleaned {len(self.cleaned)}, wrongly"
                f" {len(self.wrongly_cleaned)}, overdue {len(self.overdue)}"
            )
        if self.doctors:
            codes = Counter(run["code"] for run in self.doctors)
            lines.append(
                f"doctor: {len(self.doctors)} runs {dict(codes)}, false findings"
                f" {len(self.false_findings)}"
            )
        return "\n".join(lines)


Command: TypeAlias = Callable[[Sequence[str], Mapping[str, str]], tuple[int, str, str]]
"""Runs a command line in an environment; returns exit code, stdout and stderr."""


def traffic(
    home: Path,
    versions: Sequence[str],
    seconds: float,
    *,
    mode: str = "wal",
    beside: Sequence[Command] = (),
    pause: float = 0.5,
) -> Figures:
    """Let one process per release work on ``home`` for so long, and return what happened.

    ``beside``: two commands, for ``locks clean`` every ``pause`` seconds with stale locks planted,
    and for ``doctor`` in a loop. It goes on until each of them has run often enough.
    """
    figures = Figures()
    home.mkdir(exist_ok=True)
    with ExitStack() as stack:
        workers = []
        for number, version in enumerate(versions):
            process = start_release(version, _WORKER, home, f"w{number}", mode)
            stack.callback(_end, process)
            hear(process, "ready")
            workers.append(process)
        database = home / "state.db"
        stack.enter_context(_every(0.02, lambda: _measure_wal(database, figures)))
        for process in workers:
            say(process, "go")
        # Ended before the workers are: a reader that leaves last leaves a -wal that nobody uses.
        with ExitStack() as company:
            if beside:
                clean, doctor = (_timed(command, home) for command in beside)
                planter = Planter(database, [process.pid for process in workers], figures)
                company.enter_context(_every(pause, lambda: planter.clean(clean)))
                company.enter_context(_every(0.1, lambda: figures.doctors.append(doctor("doctor"))))
            time.sleep(seconds)
            latest = time.monotonic() + PATIENCE
            while beside and not figures.ran_enough and time.monotonic() < latest:
                time.sleep(0.1)
        for process in workers:
            say(process, "stop")
        for process in workers:
            _add(figures, json.loads(hear(process, "done")))
    return figures


class Planter:
    """Leaves stale locks of every kind and watches that the next ``locks clean`` takes them."""

    def __init__(self, database: Path, pids: Sequence[int], figures: Figures) -> None:
        self.database = database
        self.pids = pids
        self.figures = figures

    def clean(self, command: Callable[..., dict[str, Any]]) -> None:
        """Plant one lock, run ``locks clean``, and see whether the lock is gone."""
        planted = self.plant()
        ran = command("locks", "clean")
        self.figures.cleans.append(ran)
        if self.is_there(planted.session):
            self.figures.overdue.append(f"{planted.kind} {planted.session}: {_said(ran, planted)}")
        else:
            planted.gone = time.time()

    def plant(self) -> Planted:
        number = len(self.figures.planted)
        kind = ("expired", "dead", "reused")[number % 3]
        now = time.time()
        alive = self.pids[number % len(self.pids)]
        holder, acquired, expires = {
            # A living process that did not release it: a compression that crashed in a thread.
            "expired": (f"pid={alive}:tid=1:agent=a:nonce={number}", now - 900, now - 600),
            "dead": (f"pid={_dead_pid()}:tid=1:agent=a:nonce={number}", now - 10, now + 290),
            # The number belongs to a process that began long after the lock was last renewed.
            "reused": (f"pid={alive}:tid=1:agent=a:nonce={number}", now - 90000, now - 89700),
        }[kind]
        planted = Planted(f"planted-{number:04d}", kind, now)
        self.figures.planted.append(planted)
        with closing(sqlite3.connect(self.database, timeout=30)) as connection, connection:
            connection.execute(
                "INSERT INTO compression_locks VALUES (?, ?, ?, ?)",
                (planted.session, holder, acquired, expires),
            )
        return planted

    def is_there(self, session: str) -> bool:
        with closing(sqlite3.connect(self.database, timeout=30)) as connection:
            found = connection.execute(
                "SELECT 1 FROM compression_locks WHERE session_id = ?", (session,)
            ).fetchone()
        return found is not None


def as_cron(words: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str, str]:
    """Run hermes-repair as cron does: Python starts anew."""
    done = subprocess.run(
        [sys.executable, "-m", "hermes_repair", *words],
        cwd=ROOT,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _timed(command: Command, home: Path) -> Callable[..., dict[str, Any]]:
    """Return what runs words at a home and returns exit code, seconds and document."""

    def run(*words: str) -> dict[str, Any]:
        started = time.monotonic()
        environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        code, out, err = command([*words, "--json", "--home", str(home)], environ)
        return {
            "code": code,
            "seconds": time.monotonic() - started,
            "document": json.loads(out) if out else {},
            "stderr": err,
        }

    return run


def _said(ran: dict[str, Any], planted: Planted) -> str:
    """Return what ``locks clean`` told of a lock that it did not free."""
    document = ran["document"]
    reasons = [
        lock["reason"]
        for lock in document.get("locks", ())
        if lock["session_id"] == planted.session
    ]
    return f"exit {ran['code']}, {document.get('note') or document.get('error')}, {reasons}"


def _measure_wal(database: Path, figures: Figures) -> None:
    try:
        size = database.with_name(database.name + "-wal").stat().st_size
    except FileNotFoundError:
        return
    figures.wal_peak = max(figures.wal_peak, size)


def _dead_pid() -> int:
    """Return the number of a process that has just ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def _add(figures: Figures, answer: dict[str, Any]) -> None:
    figures.seconds = max(figures.seconds, answer["seconds"])
    figures.done.update(answer["done"])
    for kind, spent in answer["slowest"].items():
        figures.slowest[kind] = max(figures.slowest.get(kind, 0.0), spent)
    figures.errors += answer["errors"]
    figures.stolen += answer["stolen"]
    figures.sent |= answer["sent"]


@contextmanager
def _every(pause: float, work: Callable[[], None]) -> Iterator[None]:
    """Do ``work`` again and again in a thread, with pauses; what it raises is raised at the end."""
    stop = threading.Event()
    failures: list[Exception] = []

    def loop() -> None:
        while not stop.is_set():
            started = time.monotonic()
            try:
                work()
            except Exception as error:  # noqa: BLE001 - raised again where the test can see it
                failures.append(error)
                return
            stop.wait(max(0.0, pause - (time.monotonic() - started)))

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
