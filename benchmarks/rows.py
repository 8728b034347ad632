"""The rows of the budget, one function each.

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
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bench import Bench, Row
from benchmarks.copy_rows import compare_copy, merge_preview
from benchmarks.look_rows import LOOK_ROWS
from benchmarks.measure import MeasureError, Run, best_in_turns
from benchmarks.salvage_rows import salvage_damaged, salvage_reading
from tests.releases import release

REAL = "0.16.0"
LOCKS = 3


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
        budget="1.5 × rewriting",
        allowed=1.5 * theirs.seconds,
        against="delete and insert with executemany",
        theirs=theirs,
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

    work, budget = "migrate 13 to 14, backup aside", f"1.3 × Hermes {REAL}"
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
        allowed=1.3 * real.seconds,
        against=f"Hermes {REAL} opening it",
        theirs=real,
    )


def backup(bench: Bench) -> Row:
    """A copy that is opened and compared beside copying the file and bringing it to the disk."""
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
        lambda: alone(lambda: bench.baseline("copy", database, target)),
        lambda: alone(lambda: bench.baseline("sqlite_backup", database, target)),
    )
    return Row(
        work="backup, opened and compared",
        ours=ours,
        budget="2.5 × copy and fsync",
        allowed=2.5 * copied.seconds,
        against="copy and fsync",
        theirs=copied,
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
        ours=ours,
        budget="0.3 s",
        allowed=0.3,
        note=f"{LOCKS} freed in a file of {size / 1e9:.1f} GB; {idle.seconds:.2f} s with none",
    )


def search_ids(bench: Bench) -> Row:
    """The ids of messages and search index, compared both ways, beside reading them once."""

    def timed(name: str) -> Run:
        done = bench.baseline(name, bench.big / "state.db")
        return replace(done, seconds=done.printed_seconds())

    ours, theirs = best_in_turns(bench.times, lambda: timed("search_ids"), lambda: timed("ids"))
    return Row(
        work="search index, ids both ways and sampled pages",
        ours=ours,
        budget="1.5 × reading the ids",
        allowed=1.5 * theirs.seconds,
        against="SELECT of all ids and docsizes",
        theirs=theirs,
    )


def search_rebuild(bench: Bench) -> Row:
    """Making both search tables anew beside inserting the same text into empty ones."""

    def timed(name: str) -> Run:
        done = bench.baseline(name, bench.fresh(bench.big, "ours") / "state.db")
        return replace(done, seconds=done.printed_seconds())

    ours, theirs = best_in_turns(
        bench.times, lambda: timed("search_rebuild"), lambda: timed("search_insert")
    )
    return Row(
        work="search index made anew and compared",
        ours=ours,
        budget="1.2 × inserting",
        allowed=1.2 * theirs.seconds,
        against="INSERT of the same text into empty tables",
        theirs=theirs,
    )


def help_text(bench: Bench) -> Row:
    """The first thing that anybody types."""
    (ours,) = best_in_turns(
        max(3, bench.times), lambda: bench.process("-m", "hermes_repair", "--help")
    )
    return Row("--help", ours, "0.25 s", 0.25)


ROWS: tuple[Callable[[Bench], Row], ...] = (
    *LOOK_ROWS,
    backfill,
    migrate,
    backup,
    locks_clean,
    search_ids,
    search_rebuild,
    salvage_reading,
    salvage_damaged,
    compare_copy,
    merge_preview,
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
