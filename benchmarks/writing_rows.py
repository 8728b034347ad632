"""The rows of the budget about what writes, and about the start of a process.

As in :mod:`benchmarks.rows`, each beside something known that writes or reads as much.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bench import Bench, Row
from benchmarks.make_home import START
from benchmarks.measure import MeasureError, Run, best_in_turns
from tests.releases import release

REAL = "0.16.0"
LOCKS = 3
STEPS = 300
FEW_MESSAGES = 1000
BEYOND, MIGRATING, CLEANING, HELPING = 1.5, 0.25, 0.15, 0.1
"""Seconds of the budget, where it is not a ratio."""


def backfill(bench: Bench) -> Row:
    """The repair of all transcripts beside rewriting all rows of the sessions that it touched."""
    before = _counts(bench.hurt)

    # In turns: each rewrite takes the rows that the repair before it left.
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
        ours=ours,
        budget="1.3 × rewriting",
        allowed=1.3 * theirs.seconds,
        against="delete and insert with executemany",
        theirs=theirs,
        note=f"--dry-run alone takes {looked.seconds:.2f} s of it",
    )


def small_steps(bench: Bench) -> Row:
    """A repair of many steps that write a row each, beside the look that plans them."""
    home = bench.scratch / "stepped"
    shutil.rmtree(home, ignore_errors=True)
    words = ("--messages", str(FEW_MESSAGES), "--schema", "14")
    bench.process("-m", "benchmarks.make_home", str(home), *words)
    _add_miscounted(home)
    arguments = ("repair", "--select", "MS002")

    def repair() -> Run:
        done = bench.command(bench.fresh(home, "ours"), *arguments, "--yes", "--json")
        steps = json.loads(done.stdout)["receipt"]["units"]
        if steps != STEPS:
            raise MeasureError(f"{steps} of {STEPS} steps were done")
        return done

    ours, look = best_in_turns(
        bench.times, repair, lambda: bench.command(home, *arguments, "--dry-run")
    )
    return Row(
        work=f"repair of {STEPS} steps of one row",
        ours=ours,
        budget=f"the look + {BEYOND} s",
        allowed=look.seconds + BEYOND,
        against="repair --dry-run",
        theirs=look,
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

    work, budget = "migrate 13 to 14, backup aside", f"Hermes {REAL} + {MIGRATING} s"
    try:
        wheel = release(REAL)
    except pytest.skip.Exception as skipped:
        (alone,) = best_in_turns(bench.times, ours)
        return Row(work, alone, budget, None, note=f"not compared: {skipped}")
    done, real = best_in_turns(bench.times, ours, theirs)
    return Row(
        work=work,
        ours=done,
        budget=budget,
        allowed=real.seconds + MIGRATING,
        against=f"Hermes {REAL} opening it",
        theirs=real,
    )


def backup(bench: Bench) -> Row:
    """A copy that is opened, checked and compared, beside copying, fsync and SQLite's own check."""
    database, target = bench.big / "state.db", bench.scratch / "copy.db"

    def alone(work: Callable[[], Run]) -> Run:
        os.sync()
        done = work()
        target.unlink(missing_ok=True)
        shutil.rmtree(bench.big / "hermes-repair", ignore_errors=True)
        return done

    ours, copied, through = best_in_turns(
        bench.times,
        lambda: alone(lambda: bench.command(bench.big, "backup")),
        lambda: alone(lambda: bench.baseline("checked_copy", database, target)),
        lambda: alone(lambda: bench.baseline("sqlite_backup", database, target)),
    )
    return Row(
        work="backup, opened and compared",
        ours=ours,
        budget="2 × copy, fsync and check",
        allowed=2 * copied.seconds,
        against="copy, fsync, integrity_check",
        theirs=copied,
        note=f"Connection.backup takes {through.seconds:.2f} s",
    )


def undo(bench: Bench) -> Row:
    """Taking a repair of transcripts back, beside that repair."""
    home = bench.scratch / "ours"

    def repair() -> Run:
        bench.fresh(bench.hurt, home.name)
        done = bench.command(home, "repair", "--select", "TR", "--yes")
        os.sync()
        return done

    # In turns: each undo takes back the repair before it.
    theirs, ours = best_in_turns(bench.times, repair, lambda: bench.command(home, "undo", "--yes"))
    return Row(
        work="undo of a repair of transcripts",
        ours=ours,
        budget="1 × the repair",
        allowed=theirs.seconds,
        against="repair",
        theirs=theirs,
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
        ours=ours,
        budget=f"{CLEANING} s",
        allowed=CLEANING,
        note=f"{LOCKS} freed in a file of {size / 1e9:.1f} GB; {idle.seconds:.2f} s with none",
    )


def help_text(bench: Bench) -> Row:
    """The first thing that anybody types."""
    (ours,) = best_in_turns(
        max(3, bench.times), lambda: bench.process("-m", "hermes_repair", "--help")
    )
    return Row("--help", ours, f"{HELPING} s", HELPING)


WRITING_ROWS: tuple[Callable[[Bench], Row], ...] = (
    backfill,
    small_steps,
    migrate,
    backup,
    undo,
    locks_clean,
    help_text,
)


def _counts(home: Path) -> dict[str, int]:
    """Return the number of rows of each session."""
    with closing(sqlite3.connect(f"file:{home / 'state.db'}?immutable=1", uri=True)) as connection:
        return dict(
            connection.execute("SELECT session_id, COUNT(*) FROM messages GROUP BY session_id")
        )


def _add_miscounted(home: Path) -> None:
    """Add a session for every step, each with one message and a count of three."""
    with closing(sqlite3.connect(home / "state.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO sessions (id, source, started_at, message_count) VALUES (?, 'cli', ?, 3)",
            [(f"counted-{n}", START + n) for n in range(STEPS)],
        )
        connection.executemany(
            "INSERT INTO messages (session_id, role, content, timestamp)"
            " VALUES (?, 'user', 'How many are we?', ?)",
            [(f"counted-{n}", START + n) for n in range(STEPS)],
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
