"""The rows of the budget (design section 8), one function each.

A row runs the command as a user types it, in a process of its own, and something known that does
the same amount of reading or writing on the same file. Nothing here judges the machine: what counts
is the ratio of the two, measured in turns.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.measure import MeasureError, Run, best_in_turns, run
from tests.releases import release

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 200_000_000
REAL = "0.16.0"
LOCKS = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the homes lie, how often a row is run, and where its processes run.

    ``big`` is a home of schema 13 with some damage, ``hurt`` a smaller one of schema 14 in which
    every chat has a transcript and two of three need it, ``locked`` one whose file is large.
    """

    big: Path
    hurt: Path
    locked: Path
    scratch: Path
    times: int

    def process(self, *arguments: str, codes: tuple[int, ...] = (0,), **extra: str) -> Run:
        """Run a Python without anything of Hermes' in its environment."""
        dropped = ("HERMES_", "PYTHON")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        environment |= {"PYTHONPATH": str(ROOT), "HOME": str(self.scratch), **extra}
        return run(arguments, environment, self.scratch, codes)

    def command(self, home: Path, *arguments: str, codes: tuple[int, ...] = (0,)) -> Run:
        """Run hermes-repair on a home."""
        typed = ("-m", "hermes_repair", *arguments, "--home", str(home))
        return self.process(*typed, codes=codes)

    def baseline(self, name: str, *arguments: str | Path) -> Run:
        """Run one of ``benchmarks.baselines``."""
        return self.process("-m", "benchmarks.baselines", name, *map(str, arguments))

    def fresh(self, home: Path, name: str) -> Path:
        """Return a copy of ``home``, made anew; nothing of it waits for the disk."""
        target = self.scratch / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(home, target)
        os.sync()
        return target


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; times in seconds, ``peak`` in bytes.

    ``against`` and ``theirs`` are what it was measured against, where there is such a thing;
    ``allowed`` are the seconds (for the memory: the bytes) of the budget. ``allowed`` is None where
    that was not measured, and ``note`` then says why.
    """

    work: str
    ours: float
    budget: str
    allowed: float | None
    peak: int
    against: str = ""
    theirs: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.theirs else None

    @property
    def kept(self) -> bool | None:
        """Whether the budget is kept; None where it could not be asked."""
        return None if self.allowed is None else self.ours <= self.allowed


def doctor_with_file_check(bench: Bench) -> Row:
    """The database part of doctor beside SQLite's own check."""
    ours, theirs = best_in_turns(
        bench.times,
        lambda: bench.command(bench.big, "doctor", "--ignore", "TR", codes=(0, 1)),
        lambda: bench.baseline("quick_check", bench.big / "state.db"),
    )
    return Row(
        work="doctor, database part, with the file-level check",
        ours=ours.seconds,
        budget="2 × quick_check",
        allowed=2 * theirs.seconds,
        peak=ours.peak,
        against="PRAGMA quick_check",
        theirs=theirs.seconds,
    )


def doctor_without_file_check(bench: Bench) -> Row:
    """The same without the file-level check beside one scan of all texts."""
    ignored = ("--ignore", "TR", "--ignore", "DB")
    ours, theirs = best_in_turns(
        bench.times,
        lambda: bench.command(bench.big, "doctor", *ignored, codes=(0, 1)),
        lambda: bench.baseline("scan", bench.big / "state.db"),
    )
    return Row(
        work="doctor, database part, without the file-level check",
        ours=ours.seconds,
        budget="4 × scan + 0.3 s",
        allowed=4 * theirs.seconds + 0.3,
        peak=ours.peak,
        against="SELECT SUM(LENGTH(content))",
        theirs=theirs.seconds,
    )


def transcripts(bench: Bench) -> Row:
    """The comparison of all transcripts beside decoding their lines."""
    ours, theirs = best_in_turns(
        bench.times,
        lambda: bench.command(bench.big, "doctor", "--select", "TR", codes=(0, 1)),
        lambda: bench.baseline("decode", bench.big / "sessions"),
    )
    size = sum(path.stat().st_size for path in (bench.big / "sessions").glob("*.jsonl"))
    return Row(
        work="transcript comparison",
        ours=ours.seconds,
        budget="1.3 × decoding",
        allowed=1.3 * theirs.seconds,
        peak=ours.peak,
        against="orjson over the same lines",
        theirs=theirs.seconds,
        note=f"{size / 1e6:.0f} MB of JSONL; the rows of their sessions are read as well",
    )


def backfill(bench: Bench) -> Row:
    """The repair of all transcripts beside rewriting all rows of the sessions that it touched."""
    before = _counts(bench.hurt)

    def repair() -> Run:
        home = bench.fresh(bench.hurt, "ours")
        return bench.command(home, "repair", "--select", "TR", "--yes")

    def rewrite() -> Run:
        home = bench.scratch / "ours"
        after = _counts(home)
        touched = [session for session, count in after.items() if before.get(session) != count]
        if not touched:
            raise MeasureError("the repair brought nothing back")
        names = bench.scratch / "touched.txt"
        names.write_text("\n".join(touched), encoding="utf-8")
        copy = bench.fresh(home, "theirs")
        done = bench.baseline("rewrite", copy / "state.db", names)
        return replace(done, seconds=done.printed_seconds())

    ours, theirs = best_in_turns(bench.times, repair, rewrite)
    looked = bench.command(bench.fresh(bench.hurt, "ours"), "repair", "--select", "TR", "--dry-run")
    return Row(
        work="backfill: look, repair and verify",
        ours=ours.seconds,
        budget="1.5 × rewriting",
        allowed=1.5 * theirs.seconds,
        peak=ours.peak,
        against="delete and insert with executemany",
        theirs=theirs.seconds,
        note=f"--dry-run alone takes {looked.seconds:.2f} s of it",
    )


def migrate(bench: Bench) -> Row:
    """13 to 14 without the time of the backup, beside the real release opening the same file."""

    def ours() -> Run:
        home = bench.fresh(bench.big, "ours")
        arguments = ("migrate", "--to", "14", "--yes", "--home", str(home))
        done = bench.baseline("backup_aside", *arguments)
        return replace(done, seconds=done.seconds - done.printed_seconds())

    def theirs() -> Run:
        home = bench.fresh(bench.big, "theirs")
        script = "from hermes_state import SessionDB; SessionDB().close()"
        return bench.process("-c", script, PYTHONPATH=str(wheel), HERMES_HOME=str(home))

    row = Row("migrate 13 to 14, backup aside", 0.0, f"1.3 × Hermes {REAL}", None, 0)
    try:
        wheel = release(REAL)
    except pytest.skip.Exception as skipped:
        alone = best_in_turns(bench.times, ours)[0]
        return replace(row, ours=alone.seconds, peak=alone.peak, note=f"not compared: {skipped}")
    done, real = best_in_turns(bench.times, ours, theirs)
    return replace(
        row,
        ours=done.seconds,
        allowed=1.3 * real.seconds,
        peak=done.peak,
        against=f"Hermes {REAL} opening it",
        theirs=real.seconds,
    )


def backup(bench: Bench) -> Row:
    """A copy that is opened and compared beside copying the file and bringing it to the disk."""
    database, target = bench.big / "state.db", bench.scratch / "copy.db"

    def settled(work: Callable[[], Run]) -> Run:
        target.unlink(missing_ok=True)
        shutil.rmtree(bench.big / "hermes-repair", ignore_errors=True)
        os.sync()
        return work()

    ours, copied, through = best_in_turns(
        bench.times,
        lambda: settled(lambda: bench.command(bench.big, "backup")),
        lambda: settled(lambda: bench.baseline("copy", database, target)),
        lambda: settled(lambda: bench.baseline("sqlite_backup", database, target)),
    )
    settled(lambda: ours)
    return Row(
        work="backup, opened and compared",
        ours=ours.seconds,
        budget="2.5 × copy and fsync",
        allowed=2.5 * copied.seconds,
        peak=ours.peak,
        against="copy and fsync",
        theirs=copied.seconds,
        note=f"Connection.backup takes {through.seconds:.2f} s",
    )


def locks_clean(bench: Bench) -> Row:
    """The whole process on a file of gigabytes: locks to free, and none (as cron finds it)."""

    def free() -> Run:
        _plant_locks(bench.locked)
        done = bench.command(bench.locked, "locks", "clean", "--json")
        freed = json.loads(done.stdout)["freed"]
        if len(freed) != LOCKS:
            raise MeasureError(f"{len(freed)} of {LOCKS} locks were freed")
        return done

    ours, idle = best_in_turns(
        bench.times, free, lambda: bench.command(bench.locked, "locks", "clean")
    )
    size = (bench.locked / "state.db").stat().st_size
    return Row(
        work="locks clean, whole process",
        ours=ours.seconds,
        budget="0.3 s",
        allowed=0.3,
        peak=max(ours.peak, idle.peak),
        note=f"{LOCKS} freed in a file of {size / 1e9:.1f} GB; {idle.seconds:.2f} s with none",
    )


def help_text(bench: Bench) -> Row:
    """The first thing that anybody types."""
    (ours,) = best_in_turns(
        max(3, bench.times), lambda: bench.process("-m", "hermes_repair", "--help")
    )
    return Row("--help", ours.seconds, "0.25 s", 0.25, ours.peak)


ROWS: tuple[Callable[[Bench], Row], ...] = (
    doctor_with_file_check,
    doctor_without_file_check,
    transcripts,
    backfill,
    migrate,
    backup,
    locks_clean,
    help_text,
)


def _counts(home: Path) -> dict[str, int]:
    """Return the number of rows of each session."""
    with closing(sqlite3.connect(f"file:{home / 'state.db'}?immutable=1", uri=True)) as connection:
        return dict(
            connection.execute("SELECT session_id, COUNT(*) FROM messages GROUP BY session_id")
        )


def _plant_locks(home: Path) -> None:
    """Leave expired locks of processes that cannot be: Linux gives no number above 4194304."""
    with closing(sqlite3.connect(home / "state.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO compression_locks VALUES (?, ?, 1000.0, 1300.0)",
            [
                (f"20250101_00000{n}_00000000", f"pid=420000{n}:tid=1:agent=a:nonce=0000000{n}")
                for n in range(LOCKS)
            ],
        )
